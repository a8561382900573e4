const isSource = import.meta.url.endsWith(".ts");

/**
 * A file of this package, by its path in `src` or, for JavaScript, in `dist`. The build makes few files of the sources, and
 * what they share lies in `dist` itself. From source, as the tests run, programs are the built ones: Node 20 runs no
 * TypeScript.
 */
export function ownFile(path: string): URL {
  const folder = isSource ? (path.endsWith(".js") ? "../../dist/" : "../") : "./";
  return new URL(folder + path, import.meta.url);
}

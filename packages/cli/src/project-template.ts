import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The languages that a new project may be in. */
export type Language = "typescript" | "javascript";

/** A file of a new project: its path with `/`, and what it holds. */
export interface ProjectFile {
  readonly path: string;
  readonly text: string;
}

/** Each file there is named as in a project, with this after it: so no tool takes it for one of this repository's own. */
const ending = ".tmpl";

/** The files of a new project in this language, in the order of their paths. */
export async function projectFiles(
  language: Language,
  facts: { readonly name: string; readonly version: string },
): Promise<ProjectFile[]> {
  const words: Readonly<Record<string, string>> = { ...facts, extension: language === "typescript" ? "ts" : "js" };
  const files: ProjectFile[] = [];
  for (const part of ["common", language]) {
    const folder = fileURLToPath(new URL(`templates/${part}/`, import.meta.url));
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const text = await readFile(file, "utf8");
      files.push({
        path: file.slice(folder.length, -ending.length).replaceAll("\\", "/"),
        text: text.replace(/\{\{(\w+)\}\}/g, (_, word: string) => words[word] ?? unknownWord(word, file)),
      });
    }
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * The name of a package that lives in a folder: what npm accepts, as close to the folder's name as can be.
 * @param taken names that npm would refuse, since the package depends on packages of these names
 */
export function packageName(folder: string, taken: readonly string[]): string {
  const name = folder
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}/gu, "")
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+|[._-]+$/g, "")
    .slice(0, 214);
  const refused = ["", "node_modules", "favicon.ico", ...taken];
  return refused.includes(name) ? "queuack-app" : name;
}

function unknownWord(word: string, file: string): never {
  throw new Error(`The template ${file} holds {{${word}}}, which nobody fills in.`);
}

import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { QueuackError } from "../core/errors.ts";

/** What a module exports, by name. */
export type ModuleExports = Readonly<Record<string, unknown>>;

/** What is used of jiti. Neither its code nor its types need to be there. */
interface Jiti {
  createJiti(
    from: string,
    options: { readonly interopDefault: boolean },
  ): { import<Exports>(path: string): Promise<Exports> };
}

const optionalPackage: string = "jiti";

/** What Node says where it can't take a TypeScript module as it is: it strips no types, or more is needed than that. */
const notForNode = [
  "ERR_UNKNOWN_FILE_EXTENSION",
  "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX",
  "ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING",
  "ERR_INVALID_TYPESCRIPT_SYNTAX",
  // Imports without an ending, as TypeScript allows them.
  "ERR_MODULE_NOT_FOUND",
];

/**
 * Imports a module by its `file:` URL or absolute path. TypeScript goes through Node where it strips types or has inherited a loader
 * (`--import tsx`), otherwise through jiti, which compiles it in memory.
 * @throws {QueuackError} `QUEUACK_MISSING_PACKAGE` where jiti is needed and not installed
 */
export async function loadModule(place: string): Promise<ModuleExports> {
  const url = /^file:/i.test(place) ? place : pathToFileURL(place).href;
  if (!/\.[cm]?tsx?$/.test(new URL(url).pathname)) return (await import(url)) as ModuleExports;
  try {
    return (await import(url)) as ModuleExports;
  } catch (error) {
    if (!notForNode.includes((error as NodeJS.ErrnoException)?.code ?? "")) throw error;
  }
  const { createJiti } = await importJiti(url);
  // Without interop a default export stays beside the named ones, as in Node.
  return await createJiti(import.meta.url, { interopDefault: false }).import<ModuleExports>(fileURLToPath(url));
}

/** jiti as Queuack finds it, or as the module does. */
async function importJiti(url: string): Promise<Jiti> {
  try {
    return (await import(optionalPackage)) as Jiti;
  } catch {
    // It may be installed beside the user's code only.
  }
  try {
    return (await import(pathToFileURL(createRequire(url).resolve(optionalPackage)).href)) as Jiti;
  } catch (cause) {
    throw new QueuackError("QUEUACK_MISSING_PACKAGE", {
      message: `${fileURLToPath(url)} is TypeScript, which this Node doesn't run without jiti.`,
      hint: "Install it: npm install jiti. Or name a compiled module.",
      cause,
    });
  }
}

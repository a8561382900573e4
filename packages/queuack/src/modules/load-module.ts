import { extname } from "node:path";
import { pathToFileURL } from "node:url";
import { QueuackError } from "../core/errors.ts";

/** What a module exports, by name. */
export type ModuleExports = Readonly<Record<string, unknown>>;

/**
 * Imports a module by its absolute path: JavaScript by Node itself, TypeScript through jiti, which compiles it in memory
 * on every Node that Queuack runs on and asks no network. Throws what the module throws.
 * @throws {QueuackError} `QUEUACK_MISSING_PACKAGE` for TypeScript where jiti is not installed
 */
export async function loadModule(path: string): Promise<ModuleExports> {
  if ([".js", ".mjs", ".cjs"].includes(extname(path))) return (await import(pathToFileURL(path).href)) as ModuleExports;
  const { createJiti } = await import("jiti").catch((cause: unknown) => {
    throw new QueuackError("QUEUACK_MISSING_PACKAGE", {
      message: `${path} is TypeScript, and jiti, which compiles it, is not installed.`,
      hint: "Run npm install jiti, or name the compiled JavaScript.",
      cause,
    });
  });
  // Without interop a default export stays beside the named ones, as in Node.
  return await createJiti(import.meta.url, { interopDefault: false }).import<ModuleExports>(path);
}

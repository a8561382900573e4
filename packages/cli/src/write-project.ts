import { lstat, mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CliError, exitCodes, usageError } from "./errors.ts";
import { type Language, packageName, projectFiles } from "./project-template.ts";

/** What was written. */
export interface WrittenProject {
  readonly name: string;
  readonly language: Language;
  /** The folder, absolute. */
  readonly folder: string;
  /** Paths within it, with `/`. */
  readonly files: readonly string[];
}

/**
 * Writes a small working project; whatever else is in the folder stays.
 * @param params.force whether files that are there are overwritten
 * @throws {CliError} exit code 2 when files are there already, and nothing was written then; 1 when one can't be written
 */
export async function writeProject(params: {
  readonly folder: string;
  readonly language: Language;
  readonly version: string;
  readonly force: boolean;
}): Promise<WrittenProject> {
  const { language, version, force } = params;
  const folder = resolve(params.folder);
  const name = packageName(basename(folder), ["queuack", "typescript"]);
  const files = await projectFiles(language, { name, version });
  const paths = files.map(({ path }) => path);
  if (!force) await refuseExisting(folder, paths);
  for (const { path, text } of files) {
    const file = join(folder, path);
    try {
      await mkdir(dirname(file), { recursive: true });
      // Even if it came to be there only just now.
      await writeFile(file, text, { flag: force ? "w" : "wx" });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CliError(exitCodes.failure, `${path} could not be written: ${why}`, {
        hint: "Make room for it, or name another folder.",
        cause,
      });
    }
  }
  return { name, language, folder, files: paths };
}

/** @throws {CliError} that names the files that are there */
async function refuseExisting(folder: string, paths: readonly string[]): Promise<void> {
  const there: string[] = [];
  for (const path of paths) if (await exists(join(folder, path))) there.push(path);
  if (there.length === 0) return;
  throw usageError(
    `${there.length === 1 ? "A file is" : `${there.length} files are`} there already: ${there.join(", ")}.`,
    "Name another folder, or add --force to overwrite them.",
  );
}

/** Whether anything has this path, a link that leads nowhere, too. */
async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // With a file in the place of a folder, nothing is there; writing tells of it.
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}

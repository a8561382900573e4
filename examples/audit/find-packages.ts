import type { Dirent } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

/** A package as it is installed; also the input of its job. */
export const installedPackage = z.object({
  /** Where it lies below the root, with `/`, such as `node_modules/a/node_modules/@b/c`. */
  path: z.string(),
  /** As its package.json says; `unknown` where that says nothing that can be read. */
  version: z.string(),
});

export type InstalledPackage = z.infer<typeof installedPackage>;

/**
 * Every package below `<root>/node_modules`, by path: scoped ones, and those nested in another's own node_modules.
 * A folder is a package wherever npm would put one, with or without a readable package.json. Links are only counted:
 * they lead to workspaces, which nobody installed, or to a package that is found where it lies. Names that begin with a
 * dot are npm's own.
 */
export async function findPackages(root: string): Promise<{ packages: InstalledPackage[]; links: number }> {
  const packages: InstalledPackage[] = [];
  let links = 0;

  async function look(folder: string): Promise<void> {
    for (const entry of await entries(join(root, folder))) {
      const path = `${folder}/${entry.name}`;
      if (entry.name.startsWith(".")) continue;
      if (entry.isSymbolicLink()) links++;
      else if (!entry.isDirectory()) continue;
      else if (entry.name.startsWith("@")) await look(path);
      else {
        packages.push({ path, version: await readVersion(join(root, path)) });
        await look(`${path}/node_modules`);
      }
    }
  }

  await look("node_modules");
  return { packages: packages.sort((a, b) => (a.path < b.path ? -1 : 1)), links };
}

/** The version in a package's package.json, or `unknown`: what is wrong with the file is for its job to say. */
export async function readVersion(folder: string): Promise<string> {
  try {
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version?: unknown };
    return typeof version === "string" && version !== "" ? version.slice(0, 100) : "unknown";
  } catch {
    // Missing, a folder, no JSON, `null`: all the same here.
    return "unknown";
  }
}

async function entries(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

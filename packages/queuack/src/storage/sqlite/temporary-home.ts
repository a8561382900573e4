import { lstatSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { ProcessLock } from "./process-lock.ts";

const prefix = "queuack-memory-";
const fileName = "jobs.db";

/** Younger than this, a folder may belong to somebody who is about to take its lock, milliseconds. */
const youngMs = 10_000;

/** The homes of this process that are still there: what its end clears away. */
const homes = new Set<TemporaryHome>();

/**
 * A folder of this process's own (mode 0700) for a database that has to be a file and is not to outlast its owner.
 * It goes at `leave()` or at the end of the process. What a killed process leaves behind, the next owner's
 * `clearLeftovers` removes: a folder in whose database nobody holds a process lock.
 */
export class TemporaryHome {
  readonly folder: string;
  /** The database in it; not made here. */
  readonly path: string;

  constructor(parent = tmpdir()) {
    this.folder = mkdtempSync(join(parent, prefix));
    this.path = join(this.folder, fileName);
    if (homes.size === 0) process.on("exit", leaveAll);
    homes.add(this);
  }

  /** Removes it with all that is in it. */
  leave(): void {
    homes.delete(this);
    if (homes.size === 0) process.off("exit", leaveAll);
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Removes the folders beside this one that killed processes of this user have left. */
  clearLeftovers(): void {
    unlessRefused(() => {
      const parent = dirname(this.folder);
      const born = lstatSync(this.folder).mtimeMs;
      for (const name of readdirSync(parent)) {
        const folder = join(parent, name);
        if (name.startsWith(prefix) && folder !== this.folder) unlessRefused(() => clearIfLeft(folder, born));
      }
    });
  }
}

function clearIfLeft(folder: string, now: number): void {
  const facts = lstatSync(folder);
  // Another user's folder, or a link that was laid here by one, is not touched.
  if (!facts.isDirectory() || facts.uid !== (process.getuid?.() ?? facts.uid)) return;
  if (now - facts.mtimeMs >= youngMs && !isInhabited(folder)) rmSync(folder, { recursive: true, force: true });
}

/** Whether a living process works on the database in a folder. */
function isInhabited(folder: string): boolean {
  const path = join(folder, fileName);
  const locks = new ProcessLock(path);
  return names(`${path}-processes`).some((name) => name.endsWith(".lock") && locks.isAlive(name.slice(0, -5)));
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function leaveAll(): void {
  for (const home of homes) unlessRefused(() => home.leave());
}

/** Does what the system may refuse: another one was faster, or a file is still open. The next owner tries again. */
function unlessRefused(clear: () => void): void {
  try {
    clear();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
  }
}

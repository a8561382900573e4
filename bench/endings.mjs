// What a bench makes and must be gone at its end: folders, processes, servers. Also when it fails or is interrupted.
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";

/** @type {Set<() => unknown>} */
const cleanups = new Set();

/** @type {string | undefined} */
let home;

/**
 * Has something undone at the end of the run, last in first out; answers how to do it earlier. It is done once.
 * @param {() => unknown} cleanup may be asynchronous
 * @returns {() => Promise<void>}
 */
export function atEnd(cleanup) {
  cleanups.add(cleanup);
  return async () => {
    if (cleanups.delete(cleanup)) await cleanup();
  };
}

/** Undoes all that is left; what fails is told and keeps nothing else from being undone. */
export async function endAll() {
  for (const cleanup of [...cleanups].reverse()) {
    if (!cleanups.delete(cleanup)) continue;
    try {
      await cleanup();
    } catch (error) {
      console.error("bench: something could not be removed:", error);
    }
  }
}

/** The folder of all that this process makes, which is gone at its end. */
function homeFolder() {
  home ??= mkdtempSync(join(tmpdir(), "queuack-bench-"));
  return home;
}

/** A folder of its own, which is gone at the end of the process. @param {string} name */
export function temporaryFolder(name) {
  return mkdtempSync(join(homeFolder(), `${name}-`));
}

/** An environment for children, whose temporary files are then gone with this process's, also when they are killed. */
export function childEnvironment() {
  const folder = homeFolder();
  return { ...process.env, TMPDIR: folder, TMP: folder, TEMP: folder };
}

/** Removes a folder that `temporaryFolder` made. @param {string} folder */
export function removeFolder(folder) {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

/** Ends the run as it should when the process is told to stop. */
export function endOnSignals() {
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.once(signal, () => {
      void endAll().finally(() => process.exit(128 + constants.signals[signal]));
    });
  }
  process.on("exit", () => {
    if (home !== undefined) removeFolder(home);
  });
}

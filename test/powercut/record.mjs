/** Records what a writer process does to its files: compiles the shim, runs the process under it, reads the log. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * One step of the recorded process; its place in the array is its sequence number.
 * `file` is an inode; `offset` is a place, a length (truncate), a size (open) or the sequence of the begin (sync-end).
 * @typedef {{ op: string, file: number, offset: number, data: Buffer }} Step
 */

const OPS = [
  "",
  "open",
  "open-directory",
  "write",
  "truncate",
  "sync-begin",
  "sync-end",
  "rename",
  "unlink",
  "unsupported",
];
const HEADER_BYTES = 24;

/** The reason why this machine can't record, as an error of its own so that a run may be counted as skipped. */
export class CannotRecord extends Error {}

/** Compiles the shim into a folder and gives its path. @param {string} folder @throws {CannotRecord} */
export function compileShim(folder) {
  if (process.platform !== "linux") throw new CannotRecord("LD_PRELOAD recording needs Linux");
  const source = fileURLToPath(new URL("shim.c", import.meta.url));
  const library = join(folder, "shim.so");
  const compilers = [process.env.CC, "cc", "gcc", "clang"].filter((name) => name !== undefined && name !== "");
  for (const compiler of compilers) {
    const run = spawnSync(compiler, ["-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"], {
      encoding: "utf8",
    });
    if (run.error) continue;
    if (run.status !== 0) throw new Error(`${compiler} could not compile shim.c:\n${run.stderr}`);
    return library;
  }
  throw new CannotRecord(`no C compiler (tried ${compilers.join(", ")})`);
}

/**
 * Runs the writer until it cuts its own power.
 * @param {{ shim: string, folder: string, log: string, plan: object }} options `folder` must be empty and a real path
 */
export function runWriter({ shim, folder, log, plan }) {
  const writer = fileURLToPath(new URL("writer.mjs", import.meta.url));
  const run = spawnSync(process.execPath, [writer, JSON.stringify({ ...plan, folder })], {
    env: { ...process.env, LD_PRELOAD: shim, POWERCUT_PREFIX: folder, POWERCUT_LOG: log },
    encoding: "utf8",
  });
  if (run.signal !== "SIGKILL") {
    throw new Error(
      `the writer should have ended by SIGKILL at its own cut, not by ${run.signal ?? run.status}:\n${run.stderr}`,
    );
  }
}

/** Reads a log. @param {string} path @returns {Step[]} */
export function readLog(path) {
  const bytes = readFileSync(path);
  /** @type {Step[]} */
  const steps = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes.readUInt32LE(at + 4);
    const step = {
      op: OPS[bytes.readUInt32LE(at)],
      file: Number(bytes.readBigUInt64LE(at + 8)),
      offset: Number(bytes.readBigInt64LE(at + 16)),
      data: bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + size),
    };
    if (step.op === undefined || step.data.length !== size) throw new Error(`the log is broken at byte ${at}`);
    if (step.op === "unsupported") throw new Error(`the recorder has no model of "${step.data}"`);
    steps.push(step);
    at += HEADER_BYTES + size;
  }
  return steps;
}

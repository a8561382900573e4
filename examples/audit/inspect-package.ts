import { createHash } from "node:crypto";
import { open, readdir, readFile, readlink } from "node:fs/promises";
import { join } from "node:path";
import { findLicence } from "./licence.ts";

/** What is known of a package when its job is done. */
export interface Inspection {
  /** SHA-256 over the lines `<sha256 of a file>  <its path>`, in the order of the paths, as `sha256sum` prints them. */
  readonly hash: string;
  readonly files: number;
  readonly bytes: number;
  /** Lines of the files that are text: those without a zero byte at their beginning. */
  readonly lines: number;
  /** As package.json names it, or as the text of a licence file shows; `none found` otherwise. */
  readonly licence: string;
}

/** Bytes read at a time: what a huge file takes of memory. */
const chunkBytes = 256 * 1024;

/** How far a zero byte is looked for to tell binary files from text; git looks as far. */
const sniffBytes = 8_000;

/**
 * Reads every file of a package, its own node_modules left out: those are packages with jobs of their own.
 * @param signal ends it between two chunks
 * @throws what the file system throws: an unreadable file fails the attempt
 */
export async function inspectPackage(folder: string, signal: AbortSignal): Promise<Inspection> {
  const manifest = await readManifest(folder);
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(chunkBytes);
  let files = 0;
  let bytes = 0;
  let lines = 0;
  const found = await listFiles(folder);
  for (const { path, link } of found) {
    if (link) {
      // What it leads to is counted where that lies, or is none of this package.
      hash.update(`link ${await readlink(join(folder, path))}  ${path}\n`);
      continue;
    }
    const file = await readWhole(join(folder, path), buffer, signal);
    hash.update(`${file.hash}  ${path}\n`);
    files++;
    bytes += file.bytes;
    lines += file.lines;
  }
  const top = found.filter(({ path, link }) => !link && !path.includes("/")).map(({ path }) => path);
  return { hash: hash.digest("hex"), files, bytes, lines, licence: await findLicence(folder, manifest, top) };
}

/** package.json as it is: `null` when it is missing or no JSON, which is the author's fault and no failure of the job. */
async function readManifest(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Files and links below a folder by their paths, with `/`, in an order that is the same on every system. */
async function listFiles(folder: string): Promise<{ path: string; link: boolean }[]> {
  const found: { path: string; link: boolean }[] = [];
  async function list(below: string): Promise<void> {
    for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (path === "node_modules") continue;
      if (entry.isDirectory()) await list(path);
      // Sockets and pipes have no contents, and opening them could wait for ever.
      else if (entry.isFile() || entry.isSymbolicLink()) found.push({ path, link: entry.isSymbolicLink() });
    }
  }
  await list("");
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Reads one file piece by piece. */
async function readWhole(path: string, buffer: Buffer, signal: AbortSignal) {
  const hash = createHash("sha256");
  let bytes = 0;
  let lines = 0;
  let last = 0x0a;
  let binary = false;
  const file = await open(path);
  try {
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      const chunk = buffer.subarray(0, bytesRead);
      hash.update(chunk);
      if (bytes === 0) binary = chunk.subarray(0, sniffBytes).includes(0);
      if (!binary) for (let at = chunk.indexOf(0x0a); at !== -1; at = chunk.indexOf(0x0a, at + 1)) lines++;
      bytes += bytesRead;
      last = chunk[bytesRead - 1] ?? last;
    }
  } finally {
    await file.close();
  }
  // A last line without a line break is a line, too.
  if (!binary && last !== 0x0a) lines++;
  return { hash: hash.digest("hex"), bytes, lines };
}

/** The model of a disk: what has surely reached it, and what may still be on its way. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** @typedef {import("./record.mjs").Step} Step */

/** The bytes of one file, growing in place. */
export class Content {
  length = 0;
  #buffer = Buffer.alloc(0);

  get bytes() {
    return this.#buffer.subarray(0, this.length);
  }

  /** Changes the length; new bytes are zero. @param {number} length */
  resize(length) {
    if (length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(length, this.#buffer.length * 2));
      this.bytes.copy(larger);
      this.#buffer = larger;
    } else if (length < this.length) {
      this.#buffer.fill(0, length, this.length);
    }
    this.length = length;
  }

  /** @param {number} offset @param {Uint8Array} data */
  write(offset, data) {
    if (offset + data.length > this.length) this.resize(offset + data.length);
    this.#buffer.set(data, offset);
  }

  /** Does one write or truncate. @param {Step} step */
  apply(step) {
    if (step.op === "truncate") this.resize(step.offset);
    else this.write(step.offset, step.data);
  }

  copy() {
    const copy = new Content();
    copy.write(0, this.bytes);
    return copy;
  }
}

/** One file: its durable bytes and the steps since, in order. */
export class File {
  durable = new Content();
  /** @type {{ sequence: number, step: Step }[]} */
  pending = [];
  /** Every write so far, durable or not: what an old block of the disk may still hold. @type {Step[]} */
  history = [];

  /** @param {string} path relative to the recorded folder, as first opened */
  constructor(path) {
    this.path = path;
  }

  /** What the running system sees. */
  live() {
    const content = this.durable.copy();
    for (const { step } of this.pending) content.apply(step);
    return content;
  }

  /** @param {number} before only steps with a smaller sequence number become durable */
  sync(before) {
    while (this.pending.length > 0 && this.pending[0].sequence < before) this.durable.apply(this.pending.shift().step);
  }
}

/** A folder on a disk, advanced one recorded step at a time. */
export class Disk {
  /** The number of steps taken. */
  now = 0;
  /** What was acknowledged so far, in order. @type {string[]} */
  acknowledged = [];
  /** Path to file, as the running system sees it. @type {Map<string, File>} */
  names = new Map();
  /** Path to file, as the last fsync of the folder left it. @type {Map<string, File>} */
  durableNames = new Map();
  /** Changes of names since; a rename is one change of two names. @type {{ sequence: number, changes: [string, File | undefined][] }[]} */
  pendingNames = [];
  /** @type {Map<number, File>} */
  #files = new Map();
  /** @type {Map<number, string>} */
  #directories = new Map();
  #lies;

  /** @param {string} [lies] a disk that lies: fsync does nothing for paths with this ending, or for "directory" */
  constructor(lies) {
    this.#lies = lies;
  }

  /** Takes one step; gives the path that it touches. @param {Step} step @returns {string} */
  advance(step) {
    const sequence = this.now++;
    const text = () => step.data.toString("utf8");
    switch (step.op) {
      case "open-directory":
        this.#directories.set(step.file, text());
        return text();
      case "open":
        this.#open(step, text(), sequence);
        return text();
      case "unlink":
        this.#rename(sequence, [[text(), undefined]]);
        return text();
      case "rename": {
        const [from, to] = text().split("\0");
        this.#rename(sequence, [
          [from, undefined],
          [to, this.names.get(from)],
        ]);
        return to;
      }
    }
    const directory = this.#directories.get(step.file);
    if (directory !== undefined) {
      if (step.op === "sync-end" && this.#lies !== "directory") this.#syncNames(directory, step.offset);
      return directory;
    }
    const file = this.#files.get(step.file);
    if (file === undefined) throw new Error(`step ${sequence} (${step.op}) touches a file that was never opened`);
    if (step.op === "sync-end") {
      if (this.#lies === undefined || !file.path.endsWith(this.#lies)) file.sync(step.offset);
    } else if (step.op !== "sync-begin") {
      file.pending.push({ sequence, step });
      if (step.op === "write") file.history.push(step);
      if (file.path === "ACK") this.acknowledged.push(...text().split("\n").filter(Boolean));
    }
    return file.path;
  }

  /** @param {Step} step @param {string} path @param {number} sequence */
  #open(step, path, sequence) {
    const known = this.names.get(path);
    if (known !== undefined) {
      if (this.#files.get(step.file) !== known) throw new Error(`${path} was replaced behind the recorder's back`);
      return;
    }
    if (step.offset > 0) throw new Error(`${path} held bytes before it was recorded`);
    const file = new File(path);
    this.#directories.delete(step.file);
    this.#files.set(step.file, file);
    this.#rename(sequence, [[path, file]]);
  }

  /** @param {number} sequence @param {[string, File | undefined][]} changes */
  #rename(sequence, changes) {
    applyNames(this.names, changes);
    this.pendingNames.push({ sequence, changes });
  }

  /** @param {string} directory @param {number} before */
  #syncNames(directory, before) {
    const path = directory === "" ? "." : directory;
    this.pendingNames = this.pendingNames.filter(({ sequence, changes }) => {
      if (sequence >= before || changes.some(([name]) => dirname(name) !== path)) return true;
      applyNames(this.durableNames, changes);
      return false;
    });
  }

  /**
   * Compares the model with the real folder, byte for byte.
   * @param {string} folder
   * @returns {{ files: string[], bytes: number }} what was equal
   * @throws when a step escaped the recorder
   */
  assertEquals(folder) {
    const real = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith("-shm"))
      .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1))
      .sort();
    const modelled = [...this.names.keys()].sort();
    if (real.join() !== modelled.join())
      throw new Error(`the log knows the files ${modelled}; the folder holds ${real}`);
    let bytes = 0;
    for (const path of real) {
      const content = this.names.get(path).live().bytes;
      if (!content.equals(readFileSync(join(folder, path))))
        throw new Error(`a write escaped the recorder: ${path} differs from its log`);
      bytes += content.length;
    }
    return { files: real, bytes };
  }
}

/** @param {Map<string, File>} names @param {[string, File | undefined][]} changes */
export function applyNames(names, changes) {
  for (const [name, file] of changes) {
    if (file === undefined) names.delete(name);
    else names.set(name, file);
  }
}

import { openSync, readFileSync, writeSync } from "node:fs";

/**
 * The file of `--keep-log`: one line at each handler's end, so that anyone can count. `done <path>@<version> <job id>`
 * or `failed …`.
 */
export class KeepLog {
  readonly #path: string;
  readonly #file: number;

  /** @throws what the file system throws, before any job could fail because of it */
  constructor(path: string) {
    this.#path = path;
    this.#file = openSync(path, "a");
  }

  /** Appends a line, at once and in one piece. */
  append(line: string): void {
    writeSync(this.#file, `${line}\n`);
  }

  /** Whether a line is there, whoever wrote it. */
  has(line: string): boolean {
    return readFileSync(this.#path, "utf8").split("\n").includes(line);
  }
}

import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Database, isBusy, openConnection } from "./database.ts";

/**
 * A lock that the operating system frees when this process dies, however it dies: an open exclusive transaction on a
 * small database of its own. Node has no file locks; SQLite's work on every platform and across containers.
 */
export class ProcessLock {
  /** Names the lock: one for every opening of a store. */
  readonly instance = randomUUID();
  #folder: string | null;
  #held: Database | null = null;

  /** @param path the queue's database; `:memory:` needs no locks, since nobody else can see it */
  constructor(path: string) {
    this.#folder = path === ":memory:" ? null : `${path}-processes`;
  }

  /** Takes the lock, once. */
  hold(): void {
    if (this.#folder === null || this.#held !== null) return;
    mkdirSync(this.#folder, { recursive: true });
    this.#held = openConnection(this.#file(this.instance));
    this.#held.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  }

  /** Goes with a database that left the memory for a file, and takes the lock there: from now on others look for it. */
  moveTo(path: string): void {
    this.#folder = `${path}-processes`;
    try {
      this.hold();
    } catch (error) {
      this.#held?.close();
      this.#held = null;
      this.#folder = null;
      throw error;
    }
  }

  /** Whether the process that holds the lock of another opening is alive. */
  isAlive(instance: string): boolean {
    if (instance === this.instance) return true;
    if (this.#folder === null || !existsSync(this.#file(instance))) return false;
    const probe = openConnection(this.#file(instance));
    try {
      probe.exec("BEGIN EXCLUSIVE; ROLLBACK");
      return false;
    } catch (error) {
      if (isBusy(error)) return true;
      throw error;
    } finally {
      probe.close();
    }
  }

  /** Clears away the lock of a process that is known to be dead. */
  forget(instance: string): void {
    if (this.#folder !== null) rmSync(this.#file(instance), { force: true });
  }

  /** Lets go. */
  release(): void {
    if (this.#held === null) return;
    this.#held.close();
    this.#held = null;
    this.forget(this.instance);
  }

  #file(instance: string): string {
    return join(this.#folder as string, `${instance}.lock`);
  }
}

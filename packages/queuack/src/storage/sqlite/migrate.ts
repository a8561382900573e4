import { readdirSync, readFileSync } from "node:fs";
import { QueuackError } from "../../core/errors.ts";
import { ownFile } from "../../core/own-file.ts";
import type { Database, SqlRow } from "./database.ts";

const folder = ownFile("storage/sqlite/migrations/");

/** One step of the schema, in both directions. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly up: string;
  readonly down: string;
}

/** The steps of the schema that this release knows, in order. */
export function migrations(): readonly Migration[] {
  return readdirSync(folder)
    .flatMap((file) => {
      const match = /^(\d{3})-(.+)\.up\.sql$/.exec(file);
      if (!match) return [];
      const [, number = "", name = ""] = match;
      const sql = (direction: string) => readFileSync(new URL(`${number}-${name}.${direction}.sql`, folder), "utf8");
      return [{ number: Number(number), name, up: sql("up"), down: sql("down") }];
    })
    .sort((a, b) => a.number - b.number);
}

/** Number of the last step that a database has taken; 0: it is empty. */
export function schemaVersion(db: Database): number {
  return (db.prepare("PRAGMA user_version").get() as SqlRow).user_version as number;
}

/**
 * Brings a database to a version of the schema, the newest by default, all steps in one transaction.
 * @throws {QueuackError} `QUEUACK_STORE_VERSION` when a newer release wrote it
 */
export function migrate(db: Database, target?: number): void {
  if (target === undefined) {
    const known = schemaVersion(db);
    // Without a look at the folder, so that opening stays cheap: the number is raised with every step that is added.
    if (known === newestVersion) return;
  }
  const steps = migrations();
  const newest = steps.at(-1)?.number ?? 0;
  const goal = target ?? newest;
  db.exec("BEGIN IMMEDIATE");
  try {
    const version = schemaVersion(db);
    if (version > newest) {
      throw new QueuackError("QUEUACK_STORE_VERSION", {
        message: `The database has schema ${version}; this release knows up to ${newest}.`,
        details: { version, newest },
      });
    }
    for (const step of steps) if (step.number > version && step.number <= goal) db.exec(step.up);
    for (const step of [...steps].reverse()) if (step.number <= version && step.number > goal) db.exec(step.down);
    db.exec(`PRAGMA user_version = ${goal}`);
    db.exec("COMMIT");
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
  }
}

/** The version that `migrate` brings a database to. */
export const newestVersion = 4;

import { type Command, Option } from "commander";
import type { Format } from "./configuration-shape.ts";
import type { Connection, ConnectionNeeds } from "./connection.ts";

/** Adds the flags of every command to the program. */
export function addGlobalFlags(program: Command): void {
  program
    .addOption(new Option("--url <url>", "the queue: a file such as jobs.db, or sqlite:jobs.db (or QUEUACK_URL)"))
    .addOption(
      new Option("-o, --output <format>", "how to print (table by default)").choices([
        "table",
        "json",
        "yaml",
      ] satisfies Format[]),
    )
    .addOption(new Option("--tenant <name>", "the namespace to work in (or QUEUACK_TENANT)"))
    .addOption(new Option("--config <file>", "configuration; by default queuack.config.* here or in a folder above"))
    .addOption(new Option("--verbose", "show the stack of an error"));
}

/** Opens the queue that flags, environment and configuration file name, runs the action, and closes it. */
export async function withQueue(
  command: Command,
  needs: ConnectionNeeds,
  use: (connection: Connection) => Promise<void>,
): Promise<void> {
  // Only now: help and wrong usage need none of it.
  const { openConnection } = await import("./connection.ts");
  const connection = await openConnection(command, needs);
  try {
    await use(connection);
  } finally {
    await connection.queue.close();
  }
}

import { type Command, Option } from "commander";
import type { Queue } from "queuack";
import type { Configuration, Format } from "./configuration-shape.ts";
import type { Output } from "./output.ts";
import type { AnyTask } from "./task-modules.ts";

/** The flags of every command. */
export interface GlobalFlags {
  readonly url?: string;
  readonly tenant?: string;
  readonly config?: string;
  readonly output?: Format;
  readonly verbose?: boolean;
}

/** What an action works with: an open queue and a place to print to. */
export interface Connection {
  readonly queue: Queue;
  readonly output: Output;
  /** The queue's URL without what is secret in it. */
  readonly shownUrl: string;
  /** The tenant that was named, by flag, environment or file. */
  readonly tenant: string | undefined;
  /** The configuration file's settings, below those of the environment. */
  readonly settings: Configuration;
  /** The tasks of the modules that the command or the file names. */
  readonly tasks: readonly AnyTask[];
}

/** How a command wants its queue. */
export interface ConnectionNeeds {
  /** Whether a database that isn't there is made; where one only looks, a missing file is a slip in the path. */
  readonly creates?: boolean;
  /** Load task modules: these, or those of the configuration file when there are none. */
  readonly modules?: readonly string[];
  /** Whether there is nothing to do without a task. */
  readonly requiresTasks?: boolean;
}

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
  const { openConnection } = await import("./open-connection.ts");
  const connection = await openConnection(command, needs);
  try {
    await use(connection);
  } finally {
    await connection.queue.close();
  }
}

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import type { ConnectOptions, Queue } from "queuack";
import { type AnyTask, loadTasks } from "queuack/modules";
import {
  belowEnvironment,
  type ConfigurationFile,
  fileOfUrl,
  findConfiguration,
  readConfiguration,
} from "./configuration.ts";
import type { Configuration, Format } from "./configuration-shape.ts";
import { CliError, exitCodes, usageError } from "./errors.ts";
import { Output } from "./output.ts";

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
  /** The modules that the command or the file names: absolute paths. */
  readonly modules: readonly string[];
  /** The tasks of those modules. */
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
  /** Leave the modules to other processes: their paths are all that is wanted here. */
  readonly loadsNothing?: boolean;
}

/**
 * Opens the queue that flags, environment and configuration file name.
 * @throws {CliError} exit code 2 where none is named; 3 where the database or a module is missing
 */
export async function openConnection(command: Command, needs: ConnectionNeeds): Promise<Connection> {
  const flags = command.optsWithGlobals<GlobalFlags>();
  const file = await configurationFile(flags.config);
  const settings = file === null ? {} : belowEnvironment(file, process.env);
  const output = outputFor(command, flags.output ?? settings.output ?? "table");

  const url = flags.url ?? process.env.QUEUACK_URL ?? settings.url;
  if (url === undefined || url.trim() === "") {
    throw usageError(
      "No queue was named.",
      "Give --url jobs.db, set QUEUACK_URL, or put url into queuack.config.yaml.",
    );
  }
  const path = fileOfUrl(url);
  if (!needs.creates && path !== null && !existsSync(path)) {
    throw new CliError(exitCodes.notFound, `There is no database ${path}.`, {
      hint: "Check the path; queuack enqueue and queuack worker make it.",
    });
  }
  const { paths, folder } = modulesFor(needs.modules, file);
  if (needs.requiresTasks && paths.length === 0) {
    throw usageError("No module was named.", "Give one, such as src/tasks.ts, or list modules in queuack.config.yaml.");
  }

  const tasks = needs.loadsNothing ? [] : await loadTasks(paths, folder);

  const { connect } = await import("queuack");
  const queue = await connect(url, {
    ...connectOptions(settings),
    ...(flags.tenant === undefined ? {} : { tenant: flags.tenant }),
    tasks,
    onError: (error) => output.remark(`warning: ${error instanceof Error ? error.message : String(error)}`),
  });
  const tenant = flags.tenant ?? process.env.QUEUACK_TENANT ?? settings.tenant;
  const modules = paths.map((path) => resolve(folder, path));
  return { queue, output, shownUrl: url.replace(/\/\/[^/@]*@/, "//***@"), tenant, settings, modules, tasks };
}

async function configurationFile(named: string | undefined): Promise<ConfigurationFile | null> {
  const path = named ?? findConfiguration(process.cwd());
  return path === null ? null : await readConfiguration(path);
}

/** The modules that a command names, or those of the file when it names none, and where their paths start. */
function modulesFor(
  named: readonly string[] | undefined,
  file: ConfigurationFile | null,
): { readonly paths: readonly string[]; readonly folder: string } {
  if (named?.length === 0 && file !== null) return { paths: file.content.modules ?? [], folder: file.folder };
  return { paths: named ?? [], folder: process.cwd() };
}

/** The output of a command; the program is told the format, so that an error is reported in it as well. */
function outputFor(command: Command, format: Format): Output {
  let root = command;
  while (root.parent !== null) root = root.parent;
  root.setOptionValue("output", format);
  return new Output({ format, out: process.stdout, err: process.stderr, environment: process.env });
}

/** The settings that `connect()` knows. */
function connectOptions(settings: Configuration): ConnectOptions {
  const { url: _url, output: _output, modules: _modules, worker: _worker, server: _server, ...options } = settings;
  return options;
}

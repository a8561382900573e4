import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { WorkerOptions } from "../../worker/options.ts";
import { workerSettings } from "../../worker/options.ts";
import { invalid, shown } from "../settings.ts";
import { refuseLiving } from "./hand-over.ts";
import type { PoolProcessStatus, PoolTrouble } from "./pool-process.ts";

/** Most processes of one pool. */
const mostProcesses = 256;

/** What a user says about a pool of worker processes; what it does not name is an option of each process's worker. */
export interface PoolOptions extends Omit<WorkerOptions, "tasks" | "onError"> {
  /** How many processes, from 1 to 256; each has one worker. */
  readonly processes: number;
  /**
   * JavaScript or TypeScript files that export the tasks (what `task()` returns): URLs, such as
   * `new URL("./tasks.js", import.meta.url)`, or paths, relative to the working directory. Every process imports them.
   */
  readonly modules: readonly (string | URL)[];
  /** Options of Node for the processes; by default those of this one. */
  readonly execArgv?: readonly string[] | undefined;
  /** Told whenever a process changes its state. */
  readonly onChange?: ((process: PoolProcessStatus) => void) | undefined;
  /** Told of what goes wrong in and with the processes; by default it becomes a warning of this one. */
  readonly onError?: ((trouble: PoolTrouble) => void) | undefined;
}

/** The options of a pool, read and checked. */
export interface PoolSettings {
  readonly processes: number;
  readonly modules: readonly string[];
  readonly execArgv: readonly string[];
  readonly shutdownGraceMs: number;
  /** What each process's worker is given. */
  readonly worker: Readonly<Record<string, unknown>>;
}

/** @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_UNSUPPORTED` */
export function poolSettings(options: PoolOptions): PoolSettings {
  const { processes, modules, execArgv, onChange, onError, ...worker } = options;
  for (const [name, value] of Object.entries({ onChange, onError })) {
    if (value !== undefined && typeof value !== "function") {
      throw invalid(`${name} is ${shown(value)}.`, "Give a function.");
    }
  }
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every((one) => typeof one === "string"))) {
    throw invalid(`execArgv is ${shown(execArgv)}.`, "Give a list of Node's options.");
  }
  if ("tasks" in worker) {
    throw invalid(
      "A pool was given tasks, and no function crosses to another process.",
      "Name modules that export them.",
    );
  }
  for (const [key, value] of Object.entries(worker)) refuseLiving(value, key, "workers()");
  // Read here as well, so that what is wrong is told at once and not by every process; the task is only a name.
  const { shutdownGraceMs } = workerSettings({ ...worker, tasks: [{ name: "any", options: anyTask }] });
  return {
    processes: processCount(processes),
    modules: modulePaths(modules),
    execArgv: execArgv ?? inheritedArguments(process.execArgv),
    shutdownGraceMs,
    worker,
  };
}

const anyTask = { name: "any", run: () => undefined };

/** A number of processes, checked. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function processCount(processes: number): number {
  if (Number.isInteger(processes) && processes >= 1 && processes <= mostProcesses) return processes;
  throw invalid(`processes is ${shown(processes)}.`, `Give a whole number from 1 to ${mostProcesses}.`);
}

function modulePaths(modules: readonly (string | URL)[]): string[] {
  if (!Array.isArray(modules) || modules.length === 0) {
    throw invalid(`modules is ${shown(modules)}.`, 'Give a list of files: [new URL("./tasks.js", import.meta.url)].');
  }
  return modules.map((module: string | URL) => {
    if (typeof module === "string" && !module.startsWith("file:") && module !== "") return resolve(module);
    if (module instanceof URL ? module.protocol === "file:" : typeof module === "string" && module !== "") {
      return fileURLToPath(module);
    }
    throw invalid(`modules holds ${shown(module)}.`, "Give paths or file: URLs.");
  });
}

/** Options of Node that make no sense twice, or only for code that is no file. */
const ofThisProcess = /^--(inspect|input-type|eval|print|test|watch)(-|=|$)/;

/** The options of this process that its children can have, too. */
function inheritedArguments(given: readonly string[]): string[] {
  const script = given.findIndex((one) => /^(-e|-p|-pe|--eval|--print)$/.test(one));
  return given.filter((one, i) => !ofThisProcess.test(one) && !(script >= 0 && (i === script || i === script + 1)));
}

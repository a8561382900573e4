import { existsSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type ByteSize, bytes } from "../../core/byte-size.ts";
import { defaults } from "../../core/defaults.ts";
import { type Duration, milliseconds } from "../../core/duration.ts";
import { QueuackError } from "../../core/errors.ts";
import type { IsolationReference } from "../../core/isolation.ts";

/** How a worker keeps the threads and processes of its isolated tasks, as a user writes it. */
export interface IsolationOptions {
  /** How long a thread or process without work stays warm; 5 minutes by default. */
  readonly idle?: Duration | undefined;
  /** After how many runs one is replaced; 1,000 by default. */
  readonly maxRuns?: number | undefined;
  /** One that holds more after a run is replaced: resident memory of a process, heap of a thread; `"1gb"` by default. */
  readonly maxMemory?: ByteSize | undefined;
  /** How long a handler may take to end once its signal has aborted; 5 seconds by default. Then it is ended by force. */
  readonly killGrace?: Duration | undefined;
}

/** The options, read and completed. */
export interface IsolationSettings {
  readonly idleMs: number;
  readonly maxRuns: number;
  /** Bytes. */
  readonly maxMemory: number;
  readonly killGraceMs: number;
}

/** Where an isolated task is found, and under which limit it runs. */
export interface IsolatedTask {
  readonly kind: "thread" | "process";
  /** A `file:` URL. */
  readonly module: string;
  readonly export: string | undefined;
  /** Bytes of V8's heap; `undefined`: V8's own limit. */
  readonly memoryLimit: number | undefined;
}

const knownOptions: readonly string[] = [
  "idle",
  "maxRuns",
  "maxMemory",
  "killGrace",
] satisfies (keyof IsolationOptions)[];

/** @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function isolationSettings(options: IsolationOptions = {}): IsolationSettings {
  const unknown = Object.keys(options).find((key) => !knownOptions.includes(key));
  if (unknown !== undefined) {
    throw new QueuackError("QUEUACK_INVALID_OPTION", {
      message: `isolation knows no option ${JSON.stringify(unknown)}.`,
      hint: `Give one of ${knownOptions.join(", ")}.`,
    });
  }
  const { idle, maxRuns = defaults.isolation.maxRuns, maxMemory, killGrace } = options;
  if (!(Number.isSafeInteger(maxRuns) && maxRuns >= 1)) {
    throw new QueuackError("QUEUACK_INVALID_OPTION", {
      message: `isolation.maxRuns is ${maxRuns}.`,
      hint: "Give a whole number from 1.",
    });
  }
  return {
    idleMs: idle === undefined ? defaults.isolation.idleMs : milliseconds(idle, "isolation.idle"),
    maxRuns,
    maxMemory: maxMemory === undefined ? defaults.isolation.maxMemory : bytes(maxMemory, "isolation.maxMemory"),
    killGraceMs:
      killGrace === undefined ? defaults.isolation.killGraceMs : milliseconds(killGrace, "isolation.killGrace"),
  };
}

/**
 * Where a task runs, as its worker needs to know it; `undefined` for one that runs inline.
 * @throws {QueuackError} `QUEUACK_INVALID_TASK` where there is no such module
 */
export function isolatedTask(name: string, options: IsolationReference): IsolatedTask | undefined {
  const { isolation = "inline", module, memoryLimit } = options;
  if (isolation === "inline" || module === undefined) return undefined;
  const text = String(module);
  const url = /^file:/i.test(text) ? text : pathToFileURL(text).href;
  if (!existsSync(fileURLToPath(url))) {
    throw new QueuackError("QUEUACK_INVALID_TASK", {
      message: `There is no module ${text}, where task ${name} is said to live.`,
      hint: "Give import.meta.url of the file that exports it.",
    });
  }
  return {
    kind: isolation,
    module: url,
    export: options.export,
    memoryLimit: memoryLimit === undefined ? undefined : bytes(memoryLimit, `memoryLimit of task ${name}`),
  };
}

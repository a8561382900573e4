import type { Clock } from "../core/clock.ts";
import { QueuackError } from "../core/errors.ts";
import type { Middleware } from "../core/middleware.ts";
import type { Provided } from "../core/provided.ts";
import type { TaskDefinition } from "../core/task.ts";
import { LocalBroker } from "../engine/local-broker.ts";
import { systemClock } from "../engine/system-clock.ts";
import { openSqliteStore } from "../storage/sqlite/sqlite-store.ts";
import { openThreadedStore } from "../storage/sqlite/thread/threaded-store.ts";
import type { WorkerOptions } from "../worker/options.ts";
import { environmentOptions, merge } from "./environment.ts";
import type { Hooks } from "./hooks.ts";
import { checkedTask } from "./new-job.ts";
import { Queue } from "./queue.ts";
import { invalid, refuseUnknown, type SettingOptions, settings, shown } from "./settings.ts";

/** What `connect()` may be told. */
export interface ConnectOptions extends SettingOptions {
  /** Tasks that the workers of this connection run, beside those of `q.task()`. */
  readonly tasks?: readonly TaskDefinition<never, unknown>[] | undefined;
  /** How many workers to start with the queue; they are stopped with it. */
  readonly workers?: number | undefined;
  /** Options of those workers. */
  readonly worker?: Omit<WorkerOptions, "tasks"> | undefined;
  /** What handlers find as `context.provided`; more with `q.provide()`. */
  readonly provide?: (Partial<Provided> & Readonly<Record<string, unknown>>) | undefined;
  /** Middleware, the outermost first; more with `q.use()`. */
  readonly middleware?: readonly Middleware[] | undefined;
  /** Functions to be called about jobs that run; more with `q.hooks()`. */
  readonly hooks?: Hooks | undefined;
  /** Hears of what goes wrong beside the way of a job; by default it becomes a warning of the process. */
  readonly onError?: ((error: unknown) => void) | undefined;
  /**
   * Whether the database lives in a thread of its own: then neither a statement nor the wait for the disk holds up what
   * else this process does, at the price of two messages a call. `false` by default; docs/performance.md has figures.
   */
  readonly thread?: boolean | undefined;
  /** Where time comes from: a fake clock in tests. */
  readonly clock?: Clock | undefined;
  /** Draws from [0, 1), for the jitter of retries. */
  readonly random?: (() => number) | undefined;
}

const ownOptions: readonly string[] = [
  "tasks",
  "workers",
  "worker",
  "provide",
  "middleware",
  "hooks",
  "onError",
  "thread",
  "clock",
  "random",
] satisfies (keyof ConnectOptions)[];

/**
 * Opens a queue: the one URL decides the deployment.
 * @param url `jobs.db` or `sqlite:jobs.db` for a file, `:memory:` for tests; `QUEUACK_URL` when it is left out
 * @throws {QueuackError} `QUEUACK_INVALID_URL`, `QUEUACK_INVALID_OPTION`, `QUEUACK_NETWORK_FILE_SYSTEM`,
 *   `QUEUACK_STORE_FAILED`, `QUEUACK_STORE_VERSION`
 */
export async function connect(url?: string, options: ConnectOptions = {}): Promise<Queue> {
  refuseUnknown(options, ownOptions, "connect()");
  const path = sqlitePath(url ?? process.env.QUEUACK_URL);
  const given = merge(environmentOptions(process.env), options);
  const read = settings(given);
  checkParts(options);
  const { workers = 0, tasks = [], clock = systemClock } = options;
  const { durability } = read;
  const store = await (options.thread
    ? openThreadedStore({ path, durability })
    : openSqliteStore({ path, clock, durability }));
  const { backpressure, retention } = read;
  const { onError, random } = options;
  const broker = new LocalBroker(store, { clock, backpressure, retention, onError, random });
  const queue = new Queue(broker, { settings: read, clock, tasks, random, onError, given });
  try {
    if (options.provide !== undefined) queue.provide(options.provide);
    for (const each of options.middleware ?? []) queue.use(each);
    if (options.hooks !== undefined) queue.hooks(options.hooks);
    for (let i = 0; i < workers; i++) await queue.worker(options.worker).start();
  } catch (error) {
    await queue.close();
    throw error;
  }
  return queue;
}

/** Checks what is no setting. @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK` */
function checkParts(options: ConnectOptions): void {
  const { workers = 0, tasks = [], middleware = [], thread = false, clock, onError, random } = options;
  if (!Number.isInteger(workers) || workers < 0 || workers > 1_000) {
    throw invalid(`workers is ${shown(workers)}.`, "Give 0 to 1000.");
  }
  if (!Array.isArray(middleware)) throw invalid(`middleware is ${shown(middleware)}.`, "Give a list.");
  checkedTasks(tasks);
  for (const [name, value] of Object.entries({ onError, random })) {
    if (value !== undefined && typeof value !== "function")
      throw invalid(`${name} is ${shown(value)}.`, "Give a function.");
  }
  if (clock !== undefined && (typeof clock.now !== "function" || typeof clock.timer !== "function")) {
    throw invalid("clock is not a clock.", "Give an object with now() and timer(), such as a FakeClock.");
  }
  if (typeof thread !== "boolean") throw invalid(`thread is ${shown(thread)}.`, "Give true or false.");
  if (thread && clock !== undefined) {
    throw new QueuackError("QUEUACK_UNSUPPORTED", {
      message: "The queue has a clock of its own, and a thread goes by the system's.",
      hint: "Leave out one of clock and thread: a fake clock can't tell when a thread has come to rest.",
    });
  }
}

/** A list of tasks, checked. @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK` */
export function checkedTasks(tasks: readonly TaskDefinition<never, unknown>[]): void {
  if (!Array.isArray(tasks)) throw invalid(`tasks is ${shown(tasks)}.`, "Give a list of what task() made.");
  for (const [i, definition] of tasks.entries()) checkedTask(definition, `tasks[${i}]`);
}

/** The file that a URL names. */
function sqlitePath(url: string | undefined): string {
  const asked = typeof url === "string" ? url.trim() : "";
  if (asked === ":memory:" || asked === "sqlite::memory:") return ":memory:";
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(asked)?.[1]?.toLowerCase();
  // One letter before the colon is a drive of Windows.
  const path =
    scheme === "sqlite" ? asked.slice("sqlite:".length).replace(/^\/\/(?=\/)/, "") : scheme === undefined ? asked : "";
  if (path !== "" && !path.startsWith("//")) return path;
  throw new QueuackError("QUEUACK_INVALID_URL", {
    message:
      asked !== ""
        ? `${JSON.stringify(withoutSecrets(asked))} is not a URL that Queuack knows.`
        : `connect() was given ${url === undefined || typeof url === "string" ? "no URL" : shown(url)}.`,
    hint: 'Give a file ("jobs.db" or "sqlite:jobs.db") or ":memory:", or set QUEUACK_URL.',
  });
}

/** A URL as it may be shown. */
function withoutSecrets(url: string): string {
  // A password may hold anything, and so may a query.
  return url.replace(/\/\/.*@/, "//***@").replace(/\?.*/s, "?***");
}

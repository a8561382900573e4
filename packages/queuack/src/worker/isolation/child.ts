// The program of a thread or process that runs isolated handlers, one at a time. Started by the executors; it ends with
// the process that started it.
import { AsyncLocalStorage } from "node:async_hooks";
import { getHeapStatistics } from "node:v8";
import { parentPort } from "node:worker_threads";
import type { AnyTask } from "../../modules/load-tasks.ts";
import { ChildAttempt } from "./child-attempt.ts";
import { markIsolated } from "./inside.ts";
import { endWithParent } from "./orphan-watch.ts";
import { packError } from "./packed-error.ts";
import { isLoaded, loadTask } from "./task-loader.ts";
import type { FromChild, RunOrder, ToChild } from "./wire.ts";

/** Whose code is running: what one attempt leaves behind must not be charged to the next. */
const whose = new AsyncLocalStorage<ChildAttempt>();

let current: ChildAttempt | null = null;
/** Something is left over, or was never loaded: this thread or process should take no further run. */
let worn = false;
let ending = false;

const post = (message: FromChild): void => {
  if (parentPort !== null) parentPort.postMessage(message);
  // A message that can't be sent: the parent is gone, and this process is about to be.
  else process.send?.(message, undefined, undefined, () => undefined);
};

function heard(message: ToChild): void {
  if (message.type === "run") void run(message);
  else if (message.type === "end") end();
  else if (message.run === current?.run) {
    if (message.type === "abort") current.abort(message.reason);
    else current.replied(message);
  }
}

async function run(order: RunOrder): Promise<void> {
  const attempt = new ChildAttempt(order, post);
  current = attempt;
  if (!isLoaded(order.module)) post({ type: "started", run: order.run, loaded: false });
  const ended = await whose.run(attempt, () => attempt.execute(() => whose.exit(() => load(order))));
  // A promise that was rejected and left alone shows at the end of the tick.
  await new Promise((resolve) => setImmediate(resolve));
  if (current !== attempt) return;
  current = null;
  post({ type: "ended", run: order.run, end: ended, memory: memory(), worn });
}

async function load({ run, module, export: exported, job }: RunOrder): Promise<AnyTask> {
  try {
    const task = await loadTask(module, exported, job.task);
    post({ type: "started", run, loaded: true });
    return task;
  } catch (error) {
    // Node keeps a module that failed to load: another attempt needs another thread or process.
    worn = true;
    throw error;
  }
}

/** Something failed outside the promise of a handler. */
function failed(outcome: "unhandled_rejection" | "crashed", thrown: unknown): void {
  const error = packError(thrown);
  const owner = whose.getStore() ?? current;
  worn = true;
  if (owner !== null && owner === current) {
    current = null;
    post({ type: "fault", run: owner.run, outcome, error });
  } else post({ type: "stray", error });
}

function end(): void {
  ending = true;
  process.exit(0);
}

/** Bytes. */
function memory(): number {
  return parentPort === null ? process.memoryUsage.rss() : getHeapStatistics().used_heap_size;
}

markIsolated();
process.on("unhandledRejection", (reason) => failed("unhandled_rejection", reason));
process.on("uncaughtException", (error) => failed("crashed", error));
process.on("exit", () => {
  if (!ending) post({ type: "exit", run: (whose.getStore() ?? current)?.run ?? null });
});
if (parentPort !== null) parentPort.on("message", heard);
else {
  // Ctrl+C and a service manager's stop reach the whole group; when to stop is the worker's to decide.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
  endWithParent(end);
  process.on("message", heard);
}

import { defaults } from "../core/defaults.ts";
import { type Duration, milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { TaskDefinition } from "../core/task.ts";
import type { Queue } from "../queue/queue.ts";
import { invalid, refuseOther, shown } from "../queue/settings.ts";
import { type DrainSummary, DrainWatch } from "./drain-watch.ts";
import { FakeClock } from "./fake-clock.ts";

/** How a queue is drained. */
export interface DrainOptions {
  /** The tasks to run; by default all that the queue knows, from `testQueue()`, `connect()` and `q.task()`. */
  readonly tasks?: readonly TaskDefinition<never, unknown>[] | undefined;
  /** How many jobs run at a time: 1 by default, so that their order is always the same. */
  readonly concurrency?: number | undefined;
  /**
   * Moves the fake clock from one due time to the next, so that scheduled jobs and retries run as well: `true` until
   * nothing waits for a time any more, a duration to go no further than that, and to stand there at the end.
   */
  readonly advance?: boolean | Duration | undefined;
  /** The most attempts that may be made, 1,000 by default: jobs that follow each other for ever end in an error. */
  readonly limit?: number | undefined;
}

/** Enough for any test that means to end. */
const defaultLimit = 1_000;

/** Jobs read at a time. */
const pageSize = 1_000;

/** How long the engine may take to see what is due, milliseconds. */
const lookAgainMs = 1_000;

const knownOptions: readonly string[] = ["tasks", "concurrency", "advance", "limit"] satisfies (keyof DrainOptions)[];

/**
 * Runs every job that is available, in this process, and those that they enqueue, until none is left. Handlers' errors
 * don't reject it: they are in the summary. Jobs in paused queues, and of other tasks, are left alone.
 *
 * ```ts
 * const { completed, failures } = await drain(q);
 * await drain(q, { advance: true }); // and what is scheduled, and every retry, without waiting
 * ```
 * @throws {QueuackError} `QUEUACK_NEVER_IDLE` after `limit` attempts; `QUEUACK_WORKER_TROUBLE` when something went wrong
 *   beside the jobs; `QUEUACK_INVALID_OPTION`
 */
export async function drain(q: Queue, options: DrainOptions = {}): Promise<DrainSummary> {
  refuseOther(options, "drain()", knownOptions);
  const { tasks, concurrency = 1, advance = false, limit = defaultLimit } = options;
  if (!(Number.isSafeInteger(limit) && limit >= 1))
    throw invalid(`limit is ${shown(limit)}.`, "Give a whole number from 1.");
  const clock = advance === false ? undefined : movableClock(q);
  const until =
    typeof advance === "boolean" ? Number.POSITIVE_INFINITY : q.clock.now() + milliseconds(advance, "advance");
  const watch = new DrainWatch(q, limit);
  try {
    for (;;) {
      const names = await runUntilIdle(q, { tasks, concurrency }, watch);
      if (clock === undefined) break;
      const due = await nextDue(q, names);
      const next = due !== null && due <= until ? due : until;
      if (Number.isFinite(next)) await clock.advance(Math.max(0, next - clock.now()));
      if (due === null || due > until) break;
    }
    return await watch.summary();
  } finally {
    watch.close();
  }
}

/**
 * Runs what is available with a worker that lives no longer than that: while one lives, the engine has duties at every
 * step of the clock, which would make an hour a long way. Resolves to the names of the tasks.
 */
async function runUntilIdle(
  q: Queue,
  { tasks, concurrency }: Pick<DrainOptions, "tasks" | "concurrency">,
  watch: DrainWatch,
): Promise<readonly string[]> {
  for (;;) {
    const queues = await queueNames(q);
    const worker = q.worker({
      ...(tasks === undefined ? {} : { tasks }),
      concurrency,
      queues,
      onError: (trouble) => watch.hear(trouble),
    });
    await worker.start();
    const names = (await q.listWorkers()).find(({ id }) => id === worker.id)?.tasks ?? [];
    try {
      if (q.clock instanceof FakeClock) {
        // The engine looks for what is due when a timer says so. No handler runs meanwhile: it might not let the clock rest.
        worker.pause();
        await q.clock.advance(0);
        worker.resume();
      }
      do {
        await watch.unlessBroken(worker.untilIdle());
      } while (!(q.clock instanceof FakeClock) && (await seenDue(q, names)));
    } finally {
      await worker.stop();
    }
    watch.throwIfBroken();
    // A handler may have been the first to use a queue.
    if ((await queueNames(q)).every((queue) => queues.includes(queue))) return names;
  }
}

/** The clock that the queue goes by, if it can be moved. @throws {QueuackError} `QUEUACK_NOT_ALLOWED` */
function movableClock({ clock }: Queue): FakeClock {
  if (clock instanceof FakeClock) return clock;
  throw new QueuackError("QUEUACK_NOT_ALLOWED", {
    message: "drain() can't move the clock of this queue.",
    hint: "Make the queue with testQueue(), or with connect(url, { clock: new FakeClock() }).",
  });
}

/** Every queue that there is, of every tenant. */
async function queueNames(q: Queue): Promise<readonly string[]> {
  const stats = await q.broker.queueStats({});
  return [...new Set([defaults.queue, ...stats.map(({ queue }) => queue)])];
}

/** When the next of the scheduled and retryable jobs is due, milliseconds since the epoch; `null` when there is none. */
async function nextDue(q: Queue, tasks: readonly string[]): Promise<number | null> {
  let next: number | null = null;
  let cursor: string | undefined;
  do {
    const page = await q.broker.list({
      filter: { tasks, states: ["scheduled", "retryable"] },
      limit: pageSize,
      cursor,
    });
    for (const { runAt } of page.items) next = Math.min(runAt, next ?? runAt);
    cursor = page.cursor ?? undefined;
  } while (cursor !== undefined);
  return next;
}

/** Where time goes by itself: whether something was due; waits until the engine has seen it, too. */
async function seenDue(q: Queue, tasks: readonly string[]): Promise<boolean> {
  let stopListening: () => void = () => undefined;
  let stopTimer: () => void = () => undefined;
  const seen = new Promise<void>((resolve) => {
    stopListening = q.broker.onWork(() => resolve());
    // What has expired is discarded without a signal.
    stopTimer = q.clock.timer(lookAgainMs, resolve);
  });
  try {
    const due = await nextDue(q, tasks);
    if (due === null || due > q.clock.now()) return false;
    await seen;
    return true;
  } finally {
    stopListening();
    stopTimer();
  }
}

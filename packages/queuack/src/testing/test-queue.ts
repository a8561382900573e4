import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectOptions, connect } from "../queue/connect.ts";
import type { Queue } from "../queue/queue.ts";
import { invalid, shown } from "../queue/settings.ts";
import { FakeClock } from "./fake-clock.ts";

/** How a queue for a test is made: as by `connect()`, and by what stands here. */
export interface TestQueueOptions extends Omit<ConnectOptions, "clock"> {
  /** Keep it in a temporary file instead of memory, for tests with several connections or processes. */
  readonly file?: boolean | undefined;
  /** Where the clock starts: 2026-01-01T00:00:00Z by default. */
  readonly start?: Date | number | undefined;
  /** A clock of the test's own, instead of a new one. */
  readonly clock?: FakeClock | undefined;
}

/** A queue for one test. `await using` or `close()` ends it. */
export interface TestQueue extends AsyncDisposable {
  readonly q: Queue;
  /** Stands still until the test moves it, and the queue's time with it. */
  readonly clock: FakeClock;
  /** What `connect()` was given: a path with `{ file: true }`, else `:memory:`. */
  readonly url: string;
  /** What went wrong beside the jobs: what `onError` would have heard. */
  readonly errors: readonly unknown[];
  /** Stops what still runs, closes the queue and removes its file. */
  close(): Promise<void>;
}

/** How often a second of the clock is let pass for handlers that don't end: longer than any default grace. */
const closingSeconds = 60;

/**
 * Opens a queue over a temporary store whose clock the test moves. Jitter always draws the middle, so that the delays
 * between attempts can be foretold; `random` changes that.
 *
 * ```ts
 * await using kit = await testQueue({ tasks: [sendMail] });
 * await kit.q.enqueue(sendMail, { to: "ada@example.org" }, { delay: "1h" });
 * await drain(kit.q, { advance: true });
 * ```
 * @throws {QueuackError} as `connect()`
 */
export async function testQueue(options: TestQueueOptions = {}): Promise<TestQueue> {
  const { file = false, start, clock = new FakeClock({ start }), ...rest } = options;
  if (typeof file !== "boolean") throw invalid(`file is ${shown(file)}.`, "Give true or false.");
  const errors: unknown[] = [];
  const folder = file ? await mkdtemp(join(tmpdir(), "queuack-test-")) : null;
  const url = folder === null ? ":memory:" : join(folder, "jobs.db");
  const remove = async () => {
    // Windows holds on to a file for a moment after it was closed.
    if (folder !== null) await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  let q: Queue;
  try {
    q = await connect(url, { random: () => 0.5, onError: (error) => errors.push(error), ...rest, clock });
  } catch (error) {
    await remove();
    throw error;
  }
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= closeWith(q, clock).finally(remove);
    return closed;
  };
  return { q, clock, url, errors, close, [Symbol.asyncDispose]: close };
}

/** Closes the queue. A worker gives its handlers a grace by the clock, which nobody else would move any more. */
async function closeWith(q: Queue, clock: FakeClock): Promise<void> {
  let open = true;
  const closing = q.close().finally(() => {
    open = false;
  });
  for (let second = 0; open && second < closingSeconds; second++) await clock.advance("1s");
  await closing;
}

import type { Context } from "../context.ts";
import type { Execution } from "../execution.ts";
import type { RunningAttempt, SlotHolder } from "../execution-host.ts";
import { InvalidResult, isThenable } from "../failure.ts";
import type { RegisteredChunk } from "../registered-task.ts";
import type { Slots } from "../slots.ts";
import { abortedWithAll, ContextOfMany } from "./chunk-context.ts";

/** A job that waits for its chunk, or is in one. */
export interface Member {
  readonly execution: Execution;
  /** What its handler would get if it were alone. */
  readonly context: Context;
  /** Hands the attempt what its handler would have returned. */
  readonly resolve: (result: unknown) => void;
  /** Hands the attempt what its handler would have thrown. */
  readonly reject: (error: unknown) => void;
}

/**
 * One call of a handler that takes many jobs. It holds one slot until every job's attempt is over and the handler has
 * ended. Each job is an attempt of its own (`execution.ts`), which takes its entry as a handler's outcome.
 */
export class Chunk implements SlotHolder {
  readonly job: RunningAttempt["job"];
  handlerDone = false;
  readonly #chunk: RegisteredChunk;
  readonly #members: readonly Member[];
  readonly #slots: Slots;
  /** Attempts that are not over. */
  #going: number;
  #signal: AbortSignal | undefined;

  constructor(chunk: RegisteredChunk, members: readonly [Member, ...Member[]], slots: Slots) {
    this.job = members[0].execution.job;
    this.#chunk = chunk;
    this.#members = members;
    this.#slots = slots;
    this.#going = members.length;
  }

  get ids(): readonly string[] {
    return this.#members.map(({ execution }) => execution.job.id);
  }

  /** Calls the handler; never throws. */
  run(): void {
    for (const { execution } of this.#members) execution.wake();
    let value: unknown;
    try {
      const contexts = this.#members.map(({ context }) => context);
      const takeSignal = () => {
        this.#signal ??= abortedWithAll(contexts);
        return this.#signal;
      };
      value = this.#chunk.run(new ContextOfMany(contexts, takeSignal));
      if (isThenable(value)) {
        Promise.resolve(value).then(
          (entries) => this.#returned(entries),
          (thrown: unknown) => this.#threw(thrown),
        );
        // Their time runs from now on, and only where the handler did not end at once.
        for (const { execution } of this.#members) execution.startTimer();
        return;
      }
    } catch (thrown) {
      this.#threw(thrown);
      return;
    }
    this.#returned(value);
  }

  /** The attempt of a member is over. */
  left(): void {
    if (--this.#going === 0) this.#slots.end(this);
  }

  #returned(entries: unknown): void {
    const count = this.#members.length;
    if (!Array.isArray(entries) || entries.length !== count) {
      const what = Array.isArray(entries) ? `${entries.length} entries` : "no list";
      const message = `The handler of task ${this.job.task} returned ${what} for a chunk of ${count} jobs.`;
      this.#threw(new InvalidResult(message));
      return;
    }
    this.#done();
    for (const [i, { resolve, reject }] of this.#members.entries()) {
      const entry: unknown = entries[i];
      if (entry instanceof Error) reject(entry);
      // Adopted, it would let the job go on after its handler has ended.
      else if (isPromise(entry)) {
        reject(new InvalidResult(`Entry ${i} of a chunk of task ${this.job.task} is a promise; await it.`));
      } else resolve(entry);
    }
  }

  #threw(thrown: unknown): void {
    this.#done();
    // The chunk's signal has the reason of one job; the others have stopped for their own.
    const stopped = this.#signal?.aborted === true && thrown === this.#signal.reason;
    for (const { context, reject } of this.#members) reject(stopped ? context.signal.reason : thrown);
  }

  #done(): void {
    this.handlerDone = true;
    if (this.#going === 0) this.#slots.returned(this);
  }
}

function isPromise(entry: unknown): boolean {
  try {
    return isThenable(entry);
  } catch {
    // Something whose `then` can't be read is no promise, and no result either: encoding it will say why.
    return false;
  }
}

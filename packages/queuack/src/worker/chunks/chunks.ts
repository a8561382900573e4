import type { QueuackError } from "../../core/errors.ts";
import type { ClaimedJob } from "../../core/job.ts";
import type { Claimer } from "../claimer.ts";
import type { Execution } from "../execution.ts";
import type { ExecutionHost, RunningAttempt } from "../execution-host.ts";
import type { LeaseEpoch } from "../lease-keeper.ts";
import type { RegisteredTask } from "../registered-task.ts";
import type { Slots } from "../slots.ts";
import { Chunk, type Member } from "./chunk.ts";
import { ChunkLine, type Group } from "./chunk-line.ts";

/** The tasks of a worker whose handlers take many jobs at once: what gathers, what is ready, and who gets a slot. */
export class Chunks {
  readonly #lines: ReadonlyMap<string, ChunkLine>;
  readonly #slots: Slots;
  readonly #schedule: () => void;
  /** Where each attempt under a lease is: waiting in its line, or in a chunk that runs. */
  readonly #places = new Map<RunningAttempt, { left(attempt: RunningAttempt): void }>();
  /** Groups that wait for a slot, in the order in which they became ready. */
  readonly #ready: Group[] = [];
  /** A chunk was the last to get a slot. */
  #ordinaryIsNext = false;

  constructor(params: {
    tasks: readonly RegisteredTask[];
    host: ExecutionHost;
    slots: Slots;
    /** Sees to it that there is a turn. */
    schedule: () => void;
  }) {
    const { tasks, host, slots, schedule } = params;
    this.#slots = slots;
    this.#schedule = schedule;
    const lines = new Map<string, ChunkLine>();
    for (const task of tasks) {
      const { chunk } = task;
      if (chunk === undefined) continue;
      lines.set(task.name, new ChunkLine({ task, chunk, host, onReady: (group) => this.#enlist(group) }));
    }
    this.#lines = lines;
  }

  /** Attempts under a lease: those that wait, and those whose chunk runs. */
  get active(): Iterable<RunningAttempt> {
    return this.#places.keys();
  }

  /** How many attempts are under a lease. */
  get size(): number {
    return this.#places.size;
  }

  /** How many jobs of a task may be claimed now. */
  room(task: string): number {
    return this.#line(task).room;
  }

  /** Makes the attempt of a job that was claimed. */
  admit(job: ClaimedJob, lease: LeaseEpoch): Execution {
    const line = this.#line(job.task);
    const execution = line.admit(job, lease);
    this.#places.set(execution, line);
    return execution;
  }

  /** The attempt is over. */
  ended(attempt: RunningAttempt): void {
    this.#places.get(attempt)?.left(attempt);
    this.#places.delete(attempt);
  }

  /** A claim for ordinary tasks has been answered: the next slot that both want is a chunk's. */
  ordinaryServed(): void {
    this.#ordinaryIsNext = false;
  }

  /**
   * Takes slots for the chunks that are ready; to be run by whoever asks. Where ordinary jobs want slots too, they and
   * the chunks take turns.
   * @param ordinary the claimer of the ordinary tasks, if there are any
   */
  take(ordinary: Claimer | null): readonly Chunk[] {
    const chunks: Chunk[] = [];
    while (this.#ready.length > 0) {
      const kept = (ordinary?.asked ?? 0) + (this.#ordinaryIsNext && ordinary?.wants ? 1 : 0);
      if (this.#slots.free <= kept) break;
      const group = this.#ready.shift() as Group;
      const { line } = group;
      const members = line.take(group);
      // All that were in it have ended while they waited.
      if (!isFilled(members)) continue;
      const chunk = new Chunk(line.chunk, members, this.#slots);
      for (const { execution } of members) this.#places.set(execution, chunk);
      this.#slots.takeForChunk(chunk);
      this.#ordinaryIsNext = true;
      chunks.push(chunk);
    }
    return chunks;
  }

  /** Gives back what waits for its chunk, at once; chunks that run go on. */
  release(reason: QueuackError): void {
    for (const line of this.#lines.values()) {
      for (const attempt of [...line.waiting]) attempt.interrupt("released", reason, 0);
    }
  }

  #enlist(group: Group): void {
    this.#ready.push(group);
    this.#schedule();
  }

  #line(task: string): ChunkLine {
    return this.#lines.get(task) as ChunkLine;
  }
}

function isFilled(members: readonly Member[]): members is readonly [Member, ...Member[]] {
  return members.length > 0;
}

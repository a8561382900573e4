import { QueuackError } from "../../core/errors.ts";
import type { ClaimedJob } from "../../core/job.ts";
import type { Context } from "../context.ts";
import { Execution } from "../execution.ts";
import type { ExecutionHost, RunningAttempt } from "../execution-host.ts";
import type { LeaseEpoch } from "../lease-keeper.ts";
import type { RegisteredChunk, RegisteredTask } from "../registered-task.ts";
import type { Member } from "./chunk.ts";

/** Most jobs asked for with one question. */
const askAtOnce = 1_000;

/** Where jobs of many kinds gather at once, by tenant or by what the user says: how many chunks' worth may wait. */
const kindsAtOnce = 4;

/** Jobs that will share a chunk. */
export interface Group {
  readonly line: ChunkLine;
  readonly key: string;
  readonly members: Map<RunningAttempt, Member>;
  /** It is to start as soon as there is a slot. */
  ready: boolean;
  readonly stopTimer: () => void;
}

/**
 * Gathers the jobs of one task into chunks, by tenant and by what the user says. A job goes the way of every attempt
 * until its handler would be called: there it waits.
 */
export class ChunkLine {
  readonly chunk: RegisteredChunk;
  readonly #task: RegisteredTask;
  readonly #host: ExecutionHost;
  readonly #onReady: (group: Group) => void;
  readonly #allowance: number;
  /** Every attempt whose chunk has not started, with its group once it has one. */
  readonly #waiting = new Map<RunningAttempt, Group | null>();
  /** Groups that others may join. */
  readonly #open = new Map<string, Group>();
  /** Groups that are ready. */
  #ready = 0;
  /** Attempts in groups. */
  #gathered = 0;

  constructor(params: {
    task: RegisteredTask;
    chunk: RegisteredChunk;
    host: ExecutionHost;
    /** Called once for each group, when it is to start. */
    onReady: (group: Group) => void;
  }) {
    const { task, chunk, host, onReady } = params;
    this.chunk = chunk;
    this.#task = task;
    this.#host = host;
    this.#onReady = onReady;
    this.#allowance = chunk.size * kindsAtOnce;
  }

  /**
   * How many jobs may be claimed now. Those that wait count against an allowance of their own, not against slots: one
   * chunk's worth where all are of one kind. While a chunk waits for a slot nothing more is claimed.
   */
  get room(): number {
    if (this.#ready > 0) return 0;
    const { size } = this.chunk;
    const waiting = this.#waiting.size;
    const room = this.#open.size > 1 ? Math.min(size, this.#allowance - waiting) : size - waiting;
    return Math.min(askAtOnce, Math.max(0, room));
  }

  /** Attempts whose chunk has not started. */
  get waiting(): Iterable<RunningAttempt> {
    return this.#waiting.keys();
  }

  /** Makes the attempt of a job that was claimed. */
  admit(job: ClaimedJob, lease: LeaseEpoch): Execution {
    const run: RegisteredTask["run"] = (context) => this.#join(execution, context as Context);
    const execution: Execution = new Execution(job, { ...this.#task, run }, lease, this.#host);
    this.#waiting.set(execution, null);
    return execution;
  }

  /** The attempt ended while it waited. */
  left(attempt: RunningAttempt): void {
    const group = this.#waiting.get(attempt);
    this.#waiting.delete(attempt);
    if (group == null) return;
    group.members.delete(attempt);
    this.#gathered--;
    if (group.members.size === 0) this.#dissolve(group);
  }

  /** Takes the members out of a group, because their chunk starts; none where all have ended while they waited. */
  take(group: Group): readonly Member[] {
    const members = [...group.members.values()];
    if (members.length === 0) return members;
    for (const { execution } of members) this.#waiting.delete(execution);
    this.#gathered -= members.length;
    this.#dissolve(group);
    return members;
  }

  /** Takes the place of a handler: resolves when the job's chunk has an outcome for it. */
  #join(execution: Execution, context: Context): Promise<unknown> {
    const { by, size } = this.chunk;
    const kind = by === undefined ? "" : by({ input: context.input, job: context.job });
    if (typeof kind !== "string") {
      throw new QueuackError("QUEUACK_INVALID_TASK", {
        message: `What task ${this.#task.name} gathers its chunks by is a ${typeof kind}.`,
        hint: "Return a text from by.",
      });
    }
    const group = this.#group(`${execution.job.tenant}\u0000${kind}`);
    this.#waiting.set(execution, group);
    execution.rest();
    const outcome = new Promise((resolve, reject) => {
      group.members.set(execution, { execution, context, resolve, reject });
    });
    this.#gathered++;
    if (group.members.size >= size) {
      this.#open.delete(group.key);
      this.#makeReady(group);
    } else if (this.#gathered >= this.#allowance && this.#ready === 0) this.#makeReady(this.#fullest());
    return outcome;
  }

  #group(key: string): Group {
    const found = this.#open.get(key);
    if (found !== undefined) return found;
    const group: Group = {
      line: this,
      key,
      members: new Map(),
      ready: false,
      stopTimer: this.#host.clock.timer(this.chunk.waitMs, () => this.#makeReady(group)),
    };
    this.#open.set(key, group);
    return group;
  }

  #makeReady(group: Group): void {
    if (group.ready) return;
    group.ready = true;
    group.stopTimer();
    this.#ready++;
    this.#onReady(group);
  }

  /** Where so many kinds wait that no further job can come, waiting on would bring no group more. */
  #fullest(): Group {
    let fullest: Group | undefined;
    for (const group of this.#open.values()) {
      if (fullest === undefined || group.members.size > fullest.members.size) fullest = group;
    }
    return fullest as Group;
  }

  #dissolve(group: Group): void {
    group.stopTimer();
    if (group.ready) this.#ready--;
    if (this.#open.get(group.key) === group) this.#open.delete(group.key);
  }
}

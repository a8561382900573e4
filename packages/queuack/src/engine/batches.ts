import { type BatchEnd, type BatchRecord, isComplete } from "../core/batch.ts";
import type { Clock } from "../core/clock.ts";
import { QueuackError } from "../core/errors.ts";
import { liveStates } from "../core/unique.ts";
import type { Store } from "../storage/store.ts";
import type { Broker } from "./broker.ts";
import type { EventHub } from "./event-hub.ts";
import { Waiters } from "./waiters.ts";

/** Jobs cancelled in one step, so that no other writer waits long. */
const stepSize = 1_000;

/** What the batches need from the engine around them. */
export interface BatchHost {
  readonly store: Store;
  readonly clock: Clock;
  readonly hub: EventHub;
  /** Cancels jobs and tells whoever has to know. */
  readonly cancelJobs: (ids: readonly string[]) => ReturnType<Broker["change"]>;
  /** Jobs followed a batch: some may start now, others in so many milliseconds. */
  readonly onFollowed: (available: boolean, nextInMs: number) => void;
  readonly onError: (error: unknown) => void;
}

/** What the engine does about batches: waits for them, cancels them, and tells of their ends. */
export class Batches {
  readonly #host: BatchHost;
  readonly #waiters: Waiters<BatchRecord>;
  /** Ends that are committed and not told of yet. */
  #ended: BatchEnd[] = [];

  constructor(host: BatchHost) {
    const { store, clock } = host;
    this.#host = host;
    this.#waiters = new Waiters(store, clock, {
      what: "a batch",
      look: async (ids) =>
        (await store.batches.get({ ids })).map((batch, i) => {
          if (batch === null) return unknownBatch(ids[i] as string);
          return isComplete(batch) ? batch : null;
        }),
    });
    store.batches.onEnd((ended) => {
      // Whoever ended them tells of that first, and then asks for these; otherwise they are told of right after.
      this.#ended.push(...ended);
      setImmediate(() => this.tell());
    });
  }

  /** Waits until nothing of a batch is open; `null` when the time runs out. @throws {QueuackError} `QUEUACK_UNKNOWN_BATCH` */
  wait(id: string, timeoutMs: number | undefined): Promise<BatchRecord | null> {
    return this.#waiters.wait(id, timeoutMs);
  }

  /**
   * Lets a batch take no more members and cancels those that are open, its batches' too; resolves to how many jobs.
   * @throws {QueuackError} `QUEUACK_UNKNOWN_BATCH`
   */
  async cancel(id: string): Promise<number> {
    const { store } = this.#host;
    let cancelled = 0;
    let ids = [id];
    for (let depth = 0; ids.length > 0; depth++) {
      const known = await store.batches.cancel({ ids });
      if (depth === 0 && known[0] === false) throw unknownBatch(id);
      for (const batch of ids) cancelled += await this.#cancelMembers(batch);
      ids = (await store.batches.get({ ids })).flatMap((batch) => batch?.children ?? []);
    }
    return cancelled;
  }

  /** Tells of the ends that were not told of yet: events, workers, and those who wait. */
  tell(): void {
    if (this.#ended.length === 0) return;
    const ended = this.#ended;
    this.#ended = [];
    const { hub, clock, onFollowed, onError } = this.#host;
    const at = clock.now();
    for (const { id, tenant, name: batch, total, failed, completed, succeeded, callbacks, nextInMs } of ended) {
      const facts = { id, tenant, batch, total, failed, at };
      if (completed) hub.emit({ name: "batch:completed", ...facts });
      if (succeeded) hub.emit({ name: "batch:succeeded", ...facts });
      for (const { id, tenant, queue, task } of callbacks)
        hub.emit({ name: "job:enqueued", id, tenant, queue, task, at });
      if (nextInMs !== null)
        onFollowed(
          callbacks.some(({ state }) => state === "available"),
          nextInMs,
        );
    }
    if (ended.some(({ id }) => this.#waiters.has(id))) this.#waiters.ask().catch(onError);
  }

  /** Tells those who wait that nothing will come. */
  close(): void {
    this.#waiters.close();
  }

  async #cancelMembers(batch: string): Promise<number> {
    const { store, cancelJobs } = this.#host;
    let cancelled = 0;
    let cursor: string | undefined;
    do {
      const page = await store.jobs.list({ filter: { batches: [batch], states: liveStates }, limit: stepSize, cursor });
      const replies = page.items.length === 0 ? [] : await cancelJobs(page.items.map((job) => job.id));
      cancelled += replies.filter((reply) => reply === "changed" || reply === "requested").length;
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
    return cancelled;
  }
}

function unknownBatch(id: string): QueuackError {
  return new QueuackError("QUEUACK_UNKNOWN_BATCH", { message: `There is no batch ${id}.`, details: { id } });
}

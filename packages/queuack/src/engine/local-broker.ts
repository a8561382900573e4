import type { NewBatch } from "../core/batch.ts";
import type { ClaimRequest } from "../core/claim.ts";
import type { Clock } from "../core/clock.ts";
import { defaults } from "../core/defaults.ts";
import { QueuackError } from "../core/errors.ts";
import type { EventFilter, QueueEvent } from "../core/events.ts";
import { explain } from "../core/flow/explain.ts";
import type { ClaimedJob, NewJob } from "../core/job.ts";
import type { Backpressure, Retention } from "../core/queue-settings.ts";
import type { Settlement, SettleReply } from "../core/settlement.ts";
import type { InsertReply, Store } from "../storage/store.ts";
import { Batches } from "./batches.ts";
import type { Broker, BrokerCapabilities, EnqueuedJob, QueuePlace, WorkSignal } from "./broker.ts";
import { Enqueuer, roomSignal } from "./enqueuer.ts";
import { EventHub } from "./event-hub.ts";
import { JobNews } from "./job-news.ts";
import { Duties } from "./maintenance/duties.ts";
import { ResultWaiters } from "./result-waiters.ts";
import { systemClock } from "./system-clock.ts";

/** What the engine is run with. */
export interface LocalBrokerOptions {
  readonly clock: Clock;
  readonly backpressure?: Backpressure | undefined;
  readonly retention?: Retention | undefined;
  /** A number in [0, 1), for the jitter of retries. */
  readonly random?: (() => number) | undefined;
  /** Hears of what goes wrong beside the way of a job: a failing duty, a listener that throws. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** The engine over a store in this process. */
export class LocalBroker implements Broker {
  readonly capabilities: BrokerCapabilities;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #backpressure: Backpressure;
  readonly #onError: (error: unknown) => void;
  readonly #enqueuer: Enqueuer;
  readonly #hub: EventHub;
  readonly #waiters: ResultWaiters;
  readonly #news: JobNews;
  readonly #batches: Batches;
  readonly #duties: Duties;
  readonly #workListeners = new Set<(signal: WorkSignal) => void>();
  /** Those who wait for room in a full queue. */
  readonly #roomListeners = new Set<() => void>();
  readonly #workers = new Set<string>();
  /** The last claim left jobs because of a full limit. */
  #limited = false;
  /** Other processes were told where to find the queue. */
  #shared = false;
  #stopForeign: (() => void) | null = null;
  #closed: Promise<void> | null = null;

  constructor(store: Store, options: LocalBrokerOptions) {
    const {
      clock,
      backpressure = defaults.backpressure,
      retention = defaults.retention,
      random = Math.random,
    } = options;
    const onError =
      options.onError ?? ((error: unknown) => process.emitWarning(error instanceof Error ? error : String(error)));
    this.#store = store;
    this.#clock = clock;
    this.#backpressure = backpressure;
    this.#onError = onError;
    this.capabilities = {
      store: store.capabilities.name,
      persistent: store.capabilities.persistent,
      transactions: store.capabilities.transactions,
      events: "process",
    };
    this.#enqueuer = new Enqueuer(store, backpressure.limit, {
      asked: (jobs) => this.#asked(jobs),
      accepted: (jobs, reply) => this.#accepted(jobs, reply),
    });
    this.#hub = new EventHub(onError);
    this.#waiters = new ResultWaiters(store, clock);
    const { warnAt } = backpressure;
    this.#news = new JobNews({ store, clock, hub: this.#hub, waiters: this.#waiters, warnAt });
    this.#batches = new Batches({
      store,
      clock,
      hub: this.#hub,
      cancelJobs: (ids) => this.change({ ids, change: { kind: "cancel" } }),
      onFollowed: (available, nextInMs) => {
        if (available) this.#signal({ kind: "available" });
        if (nextInMs > 0) this.#duties.promoteIn(nextInMs);
      },
      onError,
    });
    this.#duties = new Duties({
      store,
      clock,
      retention: keptLongEnough(retention),
      random,
      settle: (settlements) => this.settle({ settlements }),
      onAvailable: () => this.#signal({ kind: "available" }),
      onExpired: (ids) => void this.#news.finished(ids).catch(onError),
      onWorkerLost: (worker) => this.#hub.emit({ name: "worker:lost", worker, at: clock.now() }),
      onError,
    });
  }

  /** Not async: where nothing has to be waited for, each promise on the way costs as much as making the row. */
  enqueue(params: Parameters<Broker["enqueue"]>[0]): Promise<readonly EnqueuedJob[]> {
    const { jobs, batch, onLimit = this.#backpressure.onLimit } = params;
    if (this.#closed !== null) return Promise.reject(closedError());
    return onLimit === "wait" ? this.#insertWhenRoom(jobs, batch) : this.#enqueuer.submit(jobs, batch);
  }

  enqueueWithin({ jobs, tx }: Parameters<Broker["enqueueWithin"]>[0]): ReturnType<Broker["enqueueWithin"]> {
    this.#assertOpen();
    const reply = this.#store.enlist(tx).insert({ jobs, limit: this.#backpressure.limit });
    return reply instanceof Promise ? reply.then(({ jobs }) => jobs) : reply.jobs;
  }

  async claim(params: ClaimRequest): Promise<readonly ClaimedJob[]> {
    this.#assertOpen();
    const { jobs, expired, limited, nextInMs } = await this.#store.jobs.claim(params);
    if (limited) this.#limited = true;
    if (nextInMs !== null) this.#duties.signalIn(nextInMs);
    if (jobs.length > 0) this.#tellRoom();
    this.#batches.tell();
    this.#news.started(jobs, params.worker);
    if (expired.length > 0) await this.#news.finished(expired);
    return jobs;
  }

  async settle({ settlements }: { settlements: readonly Settlement[] }): Promise<readonly SettleReply[]> {
    if (settlements.length === 0) return [];
    const replies = await this.#store.jobs.settle({ settlements });
    const { accepted, strangers } = this.#news.settled(settlements, replies);
    // The last claim left jobs because of a full limit: whatever ends may make room.
    let available = this.#limited;
    this.#limited = false;
    for (const settlement of accepted) {
      if (settlement.to !== "retryable" && settlement.to !== "released") continue;
      if (settlement.delayMs > 0) this.#duties.promoteIn(settlement.delayMs);
      else available = true;
    }
    this.#batches.tell();
    if (available) this.#signal({ kind: "available" });
    this.#tellRoom();
    await this.#news.strangers(strangers);
    return replies;
  }

  async renew(params: Parameters<Broker["renew"]>[0]): ReturnType<Broker["renew"]> {
    const reply = await this.#store.jobs.renew(params);
    this.#news.lost(reply.lost);
    return reply;
  }

  async report(params: Parameters<Broker["report"]>[0]): ReturnType<Broker["report"]> {
    const reply = await this.#store.jobs.report(params);
    this.#news.progressed(params.reports, reply.lost);
    return reply;
  }

  cached(params: Parameters<Broker["cached"]>[0]): ReturnType<Broker["cached"]> {
    return this.#store.cache.find(params);
  }

  async dropCached(params: Parameters<Broker["dropCached"]>[0]): ReturnType<Broker["dropCached"]> {
    this.#assertOpen();
    return await this.#store.cache.drop(params);
  }

  async get(params: Parameters<Broker["get"]>[0]): ReturnType<Broker["get"]> {
    this.#assertOpen();
    return await this.#store.jobs.get(params);
  }

  async list(params: Parameters<Broker["list"]>[0]): ReturnType<Broker["list"]> {
    this.#assertOpen();
    return await this.#store.jobs.list(params);
  }

  async history(params: Parameters<Broker["history"]>[0]): ReturnType<Broker["history"]> {
    this.#assertOpen();
    return await this.#store.jobs.history(params);
  }

  async wait({ id, timeoutMs }: Parameters<Broker["wait"]>[0]): ReturnType<Broker["wait"]> {
    this.#assertOpen();
    return await this.#waiters.wait(id, timeoutMs);
  }

  async change({ ids, change }: Parameters<Broker["change"]>[0]): ReturnType<Broker["change"]> {
    this.#assertOpen();
    const replies = await this.#store.jobs.change({ ids, change });
    const those = (reply: (typeof replies)[number]) => ids.filter((_, i) => replies[i] === reply);
    const changed = those("changed");
    if (change.kind === "cancel") {
      const requested = those("requested");
      if (requested.length > 0) this.#signal({ kind: "cancel", ids: requested });
      await this.#news.finished(changed);
      this.#batches.tell();
      this.#tellRoom();
    } else if (changed.length > 0) {
      this.#signal({ kind: "available" });
      this.#duties.promoteIn(0);
    }
    return replies;
  }

  async remove(params: Parameters<Broker["remove"]>[0]): ReturnType<Broker["remove"]> {
    this.#assertOpen();
    const removed = await this.#store.jobs.remove(params);
    if (removed === 0) return 0;
    this.#tellRoom();
    await this.#waiters.ask();
    return removed;
  }

  async getBatches(params: Parameters<Broker["getBatches"]>[0]): ReturnType<Broker["getBatches"]> {
    this.#assertOpen();
    return await this.#store.batches.get(params);
  }

  async listBatches(params: Parameters<Broker["listBatches"]>[0]): ReturnType<Broker["listBatches"]> {
    this.#assertOpen();
    return await this.#store.batches.list(params);
  }

  async waitBatch({ id, timeoutMs }: Parameters<Broker["waitBatch"]>[0]): ReturnType<Broker["waitBatch"]> {
    this.#assertOpen();
    return await this.#batches.wait(id, timeoutMs);
  }

  async cancelBatch({ id }: Parameters<Broker["cancelBatch"]>[0]): Promise<number> {
    this.#assertOpen();
    return await this.#batches.cancel(id);
  }

  async pauseQueue(params: Parameters<Broker["pauseQueue"]>[0]): Promise<void> {
    this.#assertOpen();
    await this.#store.queues.pause(params);
    const { tenant, queue, paused } = params;
    this.#hub.emit({ name: paused ? "queue:paused" : "queue:resumed", tenant, queue, at: this.#clock.now() });
    if (!paused) this.#signal({ kind: "available" });
  }

  async configureQueue(params: Parameters<Broker["configureQueue"]>[0]): Promise<void> {
    this.#assertOpen();
    const { retention } = params.settings;
    const settings = retention ? { ...params.settings, retention: keptLongEnough(retention) } : params.settings;
    await this.#store.queues.configure({ ...params, settings });
    this.#tellRoom();
    if (settings.escalation) this.#duties.promoteIn(0);
  }

  async setLimit(params: Parameters<Broker["setLimit"]>[0]): Promise<void> {
    this.#assertOpen();
    await this.#store.flow.limit(params);
    this.#signal({ kind: "available" });
  }

  async listLimits(params: Parameters<Broker["listLimits"]>[0]): ReturnType<Broker["listLimits"]> {
    this.#assertOpen();
    return await this.#store.flow.limits(params);
  }

  async explain({ id }: Parameters<Broker["explain"]>[0]): ReturnType<Broker["explain"]> {
    this.#assertOpen();
    const standing = await this.#store.flow.standing({ id });
    return standing && explain(standing);
  }

  async queueStats(params: Parameters<Broker["queueStats"]>[0]): ReturnType<Broker["queueStats"]> {
    this.#assertOpen();
    return await this.#store.queues.stats(params);
  }

  async share({ reason }: { reason: string }): Promise<QueuePlace> {
    this.#assertOpen();
    if (this.#clock !== systemClock) {
      throw new QueuackError("QUEUACK_UNSUPPORTED", {
        message: `The queue has a clock of its own, and ${reason} would follow the system's.`,
        hint: "Leave the option clock of connect() out, or stay within this process.",
      });
    }
    const { url, temporary, moved } = await this.#store.share();
    // Whoever sets other processes to work stands watch over them: they may all die at once.
    this.#shared = true;
    this.#duties.start();
    if (moved) {
      const message = `The queue in memory went to a temporary file for ${reason}: ${url}, which goes with this process.`;
      this.#onError(new QueuackError("QUEUACK_MEMORY_MOVED", { message, details: { url, reason } }));
    }
    return { url, temporary };
  }

  async compact(): Promise<number> {
    this.#assertOpen();
    return await this.#store.compact();
  }

  async registerWorker(params: Parameters<Broker["registerWorker"]>[0]): Promise<void> {
    this.#assertOpen();
    await this.#store.workers.register(params);
    this.#workers.add(params.worker.id);
    this.#duties.start();
  }

  beat(params: Parameters<Broker["beat"]>[0]): Promise<boolean> {
    return this.#store.workers.beat(params);
  }

  async deregisterWorker(params: Parameters<Broker["deregisterWorker"]>[0]): Promise<void> {
    await this.#store.workers.deregister(params);
    this.#workers.delete(params.id);
    if (this.#workers.size === 0 && !this.#shared) await this.#duties.stop();
  }

  async listWorkers(): ReturnType<Broker["listWorkers"]> {
    this.#assertOpen();
    return await this.#store.workers.list({});
  }

  onWork(listener: (signal: WorkSignal) => void): () => void {
    this.#workListeners.add(listener);
    this.#stopForeign ??= this.#store.onForeignCommit(() => {
      this.#signal({ kind: "available" });
      this.#duties.promoteIn(0);
    });
    return () => {
      this.#workListeners.delete(listener);
      if (this.#workListeners.size > 0) return;
      this.#stopForeign?.();
      this.#stopForeign = null;
    };
  }

  subscribe(filter: EventFilter, listener: (event: QueueEvent) => void): () => void {
    this.#assertOpen();
    return this.#hub.subscribe(filter, listener);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#stopForeign?.();
    this.#waiters.close();
    this.#batches.close();
    await this.#duties.stop();
    // Those who wait for room look again, and learn that there will be none.
    this.#tellRoom();
    await this.#enqueuer.drain();
    await this.#store.close();
  }

  /** Inserts; waits for room in a full queue, and tries again whenever something may have left it. */
  async #insertWhenRoom(jobs: readonly NewJob[], batch: NewBatch | undefined): Promise<readonly EnqueuedJob[]> {
    for (;;) {
      try {
        return await this.#enqueuer.submit(jobs, batch);
      } catch (error) {
        const full = error instanceof QueuackError && error.code === "QUEUACK_QUEUE_FULL";
        // More than fits into an empty queue would wait for ever.
        if (!full || jobs.length > Number(error.details.limit)) throw error;
        this.#assertOpen();
        await roomSignal(this.#store, this.#clock, (listener) => {
          this.#roomListeners.add(listener);
          return () => void this.#roomListeners.delete(listener);
        });
        this.#assertOpen();
      }
    }
  }

  /** Workers hear of an insertion while it is asked for, where their claims can travel in its commit and find its jobs. */
  #asked(jobs: readonly NewJob[]): void {
    if (this.#store.capabilities.ordered && jobs.some(isDue)) this.#signal({ kind: "available" });
  }

  /** What follows an insertion, before anything can follow for its jobs. */
  #accepted(jobs: readonly NewJob[], reply: InsertReply): void {
    this.#news.accepted(jobs, reply);
    const heard = this.#store.capabilities.ordered && jobs.some(isDue);
    if (!heard && reply.jobs.some(({ state }) => state === "available")) this.#signal({ kind: "available" });
    if (reply.nextInMs !== null) this.#duties.promoteIn(reply.nextInMs);
  }

  /** Something may have left a full queue. */
  #tellRoom(): void {
    for (const listener of this.#roomListeners) listener();
  }

  #signal(signal: WorkSignal): void {
    for (const listener of this.#workListeners) listener(signal);
  }

  #assertOpen(): void {
    if (this.#closed !== null) throw closedError();
  }
}

/** Whether a new job can run as soon as it is there. */
function isDue({ runAt, delayMs = 0, waitingFor }: NewJob): boolean {
  return runAt === undefined && delayMs === 0 && waitingFor === undefined;
}

function closedError(): QueuackError {
  return new QueuackError("QUEUACK_CLOSED", { message: "This queue was closed." });
}

/** A retention that keeps completed jobs at least as long as a repeated id is to be recognised. */
function keptLongEnough(retention: Retention): Retention {
  return { ...retention, completedMs: Math.max(retention.completedMs, defaults.minimumRetentionMs) };
}

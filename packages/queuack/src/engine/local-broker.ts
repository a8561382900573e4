import type { ClaimRequest } from "../core/claim.ts";
import type { Clock } from "../core/clock.ts";
import { defaults } from "../core/defaults.ts";
import { QueuackError } from "../core/errors.ts";
import type { EventFilter, QueueEvent } from "../core/events.ts";
import { explain } from "../core/flow/explain.ts";
import type { ClaimedJob, NewJob } from "../core/job.ts";
import { isFinal } from "../core/job-state.ts";
import type { Backpressure, OnLimit, Retention } from "../core/queue-settings.ts";
import type { Settlement, SettleReply } from "../core/settlement.ts";
import type { InsertReply, Store } from "../storage/store.ts";
import type { Broker, BrokerCapabilities, EnqueuedJob, QueuePlace, WorkSignal } from "./broker.ts";
import { Enqueuer, roomSignal } from "./enqueuer.ts";
import { EventHub } from "./event-hub.ts";
import { Duties } from "./maintenance/duties.ts";
import { finishedBy, finishedJob, ResultWaiters } from "./result-waiters.ts";
import { endedWaiting, type SettledJob, settledEvent, settledEvents } from "./settled-events.ts";
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
  readonly #duties: Duties;
  readonly #workListeners = new Set<(signal: WorkSignal) => void>();
  /** Those who wait for room in a full queue. */
  readonly #roomListeners = new Set<() => void>();
  /** The jobs that this process has leased, by token: what events and waiters need to know of them. */
  readonly #leased = new Map<number, ClaimedJob>();
  readonly #workers = new Set<string>();
  /** The last claim left jobs because of a full limit: whatever ends may make room. */
  #limited = false;
  readonly #warned = new Set<string>();
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
    this.#enqueuer = new Enqueuer(store, backpressure.limit, (jobs, reply) => this.#accepted(jobs, reply));
    this.#hub = new EventHub(onError);
    this.#waiters = new ResultWaiters(store, clock);
    this.#duties = new Duties({
      store,
      clock,
      retention: keptLongEnough(retention),
      random,
      settle: (settlements) => this.settle({ settlements }),
      onAvailable: () => this.#signal({ kind: "available" }),
      onExpired: (ids) => void this.#tellFinished(ids).catch(onError),
      onWorkerLost: (worker) => this.#hub.emit({ name: "worker:lost", worker, at: clock.now() }),
      onError,
    });
  }

  async enqueue(params: { jobs: readonly NewJob[]; onLimit?: OnLimit | undefined }): Promise<readonly EnqueuedJob[]> {
    this.#assertOpen();
    const { jobs } = await this.#insert(params.jobs, params.onLimit ?? this.#backpressure.onLimit);
    return jobs;
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
    const heard = this.#hub.hears("job:started");
    for (const job of jobs) {
      this.#leased.set(job.token, job);
      if (!heard) continue;
      const { id, tenant, queue, task, attempt } = job;
      this.#hub.emit({
        name: "job:started",
        id,
        tenant,
        queue,
        task,
        attempt,
        worker: params.worker,
        at: job.startedAt,
      });
    }
    if (expired.length > 0) await this.#tellFinished(expired);
    return jobs;
  }

  async settle({ settlements }: { settlements: readonly Settlement[] }): Promise<readonly SettleReply[]> {
    if (settlements.length === 0) return [];
    const replies = await this.#store.jobs.settle({ settlements });
    const strangers: Settlement[] = [];
    let available = false;
    for (let i = 0; i < settlements.length; i++) {
      const { token, id } = settlements[i] as Settlement;
      const job = this.#leased.get(token);
      this.#leased.delete(token);
      if (replies[i] === "lost") continue;
      const settlement: Settlement =
        replies[i] === "cancelled" ? { token, id, to: "cancelled" } : (settlements[i] as Settlement);
      if (settlement.to === "retryable" || settlement.to === "released") {
        if (settlement.delayMs > 0) this.#duties.promoteIn(settlement.delayMs);
        else available = true;
      }
      this.#tellWaiters(settlement);
      const name = settledEvents[settlement.to];
      if (name === null || !this.#hub.hears(name)) continue;
      if (job === undefined) strangers.push(settlement);
      else this.#tellSettled(settlement, job);
    }
    if (available || this.#limited) this.#signal({ kind: "available" });
    this.#limited = false;
    this.#tellRoom();
    if (strangers.length > 0) await this.#tellStrangers(strangers);
    return replies;
  }

  async renew(params: Parameters<Broker["renew"]>[0]): ReturnType<Broker["renew"]> {
    const reply = await this.#store.jobs.renew(params);
    for (const token of reply.lost) this.#leased.delete(token);
    return reply;
  }

  async report(params: Parameters<Broker["report"]>[0]): ReturnType<Broker["report"]> {
    const reply = await this.#store.jobs.report(params);
    if (this.#hub.hears("job:progress")) {
      for (const { token, progress } of params.reports) {
        const job = this.#leased.get(token);
        if (progress == null || job === undefined || reply.lost.includes(token)) continue;
        const { id, tenant, queue, task } = job;
        this.#hub.emit({
          name: "job:progress",
          id,
          tenant,
          queue,
          task,
          progress: JSON.parse(progress),
          at: this.#clock.now(),
        });
      }
    }
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
      await this.#tellFinished(changed);
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
    if (this.#workers.size === 0) await this.#duties.stop();
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
    await this.#duties.stop();
    // Those who wait for room look again, and learn that there will be none.
    this.#tellRoom();
    await this.#enqueuer.drain();
    await this.#store.close();
  }

  /** Inserts; where a full queue is to be waited for, tries again whenever something may have left it. */
  async #insert(jobs: readonly NewJob[], onLimit: OnLimit): Promise<InsertReply> {
    for (;;) {
      try {
        return await this.#enqueuer.submit(jobs);
      } catch (error) {
        const full = error instanceof QueuackError && error.code === "QUEUACK_QUEUE_FULL";
        // More than fits into an empty queue would wait for ever.
        if (!full || onLimit !== "wait" || jobs.length > Number(error.details.limit)) throw error;
        this.#assertOpen();
        await roomSignal(this.#store, this.#clock, (listener) => {
          this.#roomListeners.add(listener);
          return () => void this.#roomListeners.delete(listener);
        });
        this.#assertOpen();
      }
    }
  }

  /** What follows an insertion, before anything can follow for its jobs. */
  #accepted(jobs: readonly NewJob[], reply: InsertReply): void {
    if (this.#hub.hears("job:enqueued")) {
      for (const [i, { id, tenant, queue, task }] of jobs.entries()) {
        if (reply.jobs[i]?.duplicate) continue;
        this.#hub.emit({ name: "job:enqueued", id, tenant, queue, task, at: this.#clock.now() });
      }
    }
    this.#warnOfPressure(reply.waiting);
    if (reply.jobs.some(({ state }) => state === "available")) this.#signal({ kind: "available" });
    if (reply.nextInMs !== null) this.#duties.promoteIn(reply.nextInMs);
  }

  /** Warns once when a queue rises above its mark, and again only after it has fallen below. */
  #warnOfPressure(queues: InsertReply["waiting"]): void {
    for (const { tenant, queue, waiting, warnAt: own } of queues) {
      const warnAt = own ?? this.#backpressure.warnAt;
      const key = `${tenant}\u0000${queue}`;
      if (waiting < warnAt) this.#warned.delete(key);
      else if (!this.#warned.has(key)) {
        this.#warned.add(key);
        this.#hub.emit({ name: "queue:backpressure", tenant, queue, waiting, warnAt, at: this.#clock.now() });
      }
    }
  }

  #tellWaiters(settlement: Settlement): void {
    if (!this.#waiters.has(settlement.id)) return;
    const finished = finishedBy(settlement);
    if (finished !== null) this.#waiters.finished(finished);
  }

  #tellSettled(settlement: Settlement, job: SettledJob): void {
    const event = settledEvent(settlement, job, this.#clock.now());
    if (event !== null) this.#hub.emit(event);
  }

  /** Tells of jobs that were leased elsewhere: those of a worker that died with its process. */
  async #tellStrangers(settlements: readonly Settlement[]): Promise<void> {
    const jobs = await this.#store.jobs.get({ ids: settlements.map(({ id }) => id) });
    for (const [i, settlement] of settlements.entries()) {
      const job = jobs[i];
      if (job != null) this.#tellSettled(settlement, job);
    }
  }

  /** Something may have left a full queue. */
  #tellRoom(): void {
    for (const listener of this.#roomListeners) listener();
  }

  /** Tells of jobs that ended without a lease: cancelled or expired while they waited. */
  async #tellFinished(ids: readonly string[]): Promise<void> {
    const wanted = this.#hub.hears("job:cancelled") || this.#hub.hears("job:discarded");
    const asked = wanted ? ids : ids.filter((id) => this.#waiters.has(id));
    if (asked.length === 0) return;
    for (const job of await this.#store.jobs.get({ ids: asked })) {
      if (job === null || !isFinal(job.state)) continue;
      this.#waiters.finished(finishedJob(job));
      const event = endedWaiting(job);
      if (event !== null) this.#hub.emit(event);
    }
  }

  #signal(signal: WorkSignal): void {
    for (const listener of this.#workListeners) listener(signal);
  }

  #assertOpen(): void {
    if (this.#closed !== null) throw new QueuackError("QUEUACK_CLOSED", { message: "This queue was closed." });
  }
}

/** A retention that keeps completed jobs at least as long as a repeated id is to be recognised. */
function keptLongEnough(retention: Retention): Retention {
  return { ...retention, completedMs: Math.max(retention.completedMs, defaults.minimumRetentionMs) };
}

import type { ProgressReport } from "../core/claim.ts";
import type { Clock } from "../core/clock.ts";
import type { ClaimedJob, NewJob } from "../core/job.ts";
import { isFinal } from "../core/job-state.ts";
import type { Settlement, SettleReply } from "../core/settlement.ts";
import type { InsertReply, Store } from "../storage/store.ts";
import type { EventHub } from "./event-hub.ts";
import { finishedBy, finishedJob, type ResultWaiters } from "./result-waiters.ts";
import { endedWaiting, type SettledJob, settledEvent, settledEvents } from "./settled-events.ts";

/** Tells of jobs, after the commit: events to whoever listens, results to whoever waits for them. */
export class JobNews {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #hub: EventHub;
  readonly #waiters: ResultWaiters;
  readonly #warnAt: number;
  /** The jobs that this process has leased, by token: what events and waiters need to know of them. */
  readonly #leased = new Map<number, ClaimedJob>();
  readonly #warned = new Set<string>();

  /** @param warnAt waiting jobs from which on a queue without a mark of its own warns */
  constructor(params: { store: Store; clock: Clock; hub: EventHub; waiters: ResultWaiters; warnAt: number }) {
    this.#store = params.store;
    this.#clock = params.clock;
    this.#hub = params.hub;
    this.#waiters = params.waiters;
    this.#warnAt = params.warnAt;
  }

  accepted(jobs: readonly NewJob[], reply: InsertReply): void {
    if (this.#hub.hears("job:enqueued")) {
      for (const [i, { id, tenant, queue, task }] of jobs.entries()) {
        if (reply.jobs[i]?.duplicate) continue;
        this.#hub.emit({ name: "job:enqueued", id, tenant, queue, task, at: this.#clock.now() });
      }
    }
    this.#warnOfPressure(reply.waiting);
  }

  started(jobs: readonly ClaimedJob[], worker: string): void {
    const heard = this.#hub.hears("job:started");
    for (const job of jobs) {
      this.#leased.set(job.token, job);
      if (!heard) continue;
      const { id, tenant, queue, task, attempt, startedAt: at } = job;
      this.#hub.emit({ name: "job:started", id, tenant, queue, task, attempt, worker, at });
    }
  }

  progressed(reports: readonly ProgressReport[], lost: readonly number[]): void {
    if (!this.#hub.hears("job:progress")) return;
    for (const { token, progress } of reports) {
      const job = this.#leased.get(token);
      if (progress == null || job === undefined || lost.includes(token)) continue;
      const { id, tenant, queue, task } = job;
      const at = this.#clock.now();
      this.#hub.emit({ name: "job:progress", id, tenant, queue, task, progress: JSON.parse(progress), at });
    }
  }

  /** These leases are another's. */
  lost(tokens: readonly number[]): void {
    for (const token of tokens) this.#leased.delete(token);
  }

  /**
   * Tells of what was settled; answers with what came of each settlement that was accepted, and with those whose job was
   * leased elsewhere, to be told by `strangers`.
   */
  settled(
    settlements: readonly Settlement[],
    replies: readonly SettleReply[],
  ): { readonly accepted: readonly Settlement[]; readonly strangers: readonly Settlement[] } {
    const accepted: Settlement[] = [];
    const strangers: Settlement[] = [];
    for (const [i, given] of settlements.entries()) {
      const { token, id } = given;
      const job = this.#leased.get(token);
      this.#leased.delete(token);
      if (replies[i] === "lost") continue;
      const settlement: Settlement = replies[i] === "cancelled" ? { token, id, to: "cancelled" } : given;
      accepted.push(settlement);
      this.#tellWaiters(settlement);
      const name = settledEvents[settlement.to];
      if (name === null || !this.#hub.hears(name)) continue;
      if (job === undefined) strangers.push(settlement);
      else this.#tellSettled(settlement, job);
    }
    return { accepted, strangers };
  }

  /** Tells of jobs that were leased elsewhere: those of a worker that died with its process. */
  async strangers(settlements: readonly Settlement[]): Promise<void> {
    if (settlements.length === 0) return;
    const jobs = await this.#store.jobs.get({ ids: settlements.map(({ id }) => id) });
    for (const [i, settlement] of settlements.entries()) {
      const job = jobs[i];
      if (job != null) this.#tellSettled(settlement, job);
    }
  }

  /** Tells of jobs that ended without a lease: cancelled or expired while they waited. */
  async finished(ids: readonly string[]): Promise<void> {
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

  /** Warns once when a queue rises above its mark, and again only after it has fallen below. */
  #warnOfPressure(queues: InsertReply["waiting"]): void {
    for (const { tenant, queue, waiting, warnAt: own } of queues) {
      const warnAt = own ?? this.#warnAt;
      if (waiting < warnAt && this.#warned.size === 0) continue;
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
}

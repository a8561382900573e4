import assert from "node:assert/strict";
import type { NewBatch } from "../../core/batch.ts";
import type { ClaimRequest } from "../../core/claim.ts";
import type { ClaimedJob, JobRecord, NewJob } from "../../core/job.ts";
import type { JobState } from "../../core/job-state.ts";
import type { ErrorRecord } from "../../core/outcome.ts";
import type { Settlement, SettleReply } from "../../core/settlement.ts";
import type { FakeClock } from "../../testing/fake-clock.ts";
import type { InsertReply, Store } from "../store.ts";
import type { OpenedStore } from "./harness.ts";

/** A settlement as a test writes it: its job says the rest. */
export type Ending = Settlement extends infer One
  ? One extends Settlement
    ? Omit<One, "id" | "token">
    : never
  : never;

/** A failure for tests that do not care which. */
export const someError: ErrorRecord = { name: "Error", message: "boom" };

/** How long the leases of a scene last, milliseconds. */
export const leaseMs = 30_000;

let made = 0;

/** An id that no other job of this process has, in growing order. */
export function newId(): string {
  return `01900000-0000-7000-8000-${(++made).toString(16).padStart(12, "0")}`;
}

/** A job as tests want it: ready at once, with what is given on top. */
export function newJob(over: Partial<NewJob> = {}): NewJob {
  return {
    id: newId(),
    tenant: "default",
    queue: "default",
    task: "work",
    priority: 50,
    input: '{"n":1}',
    maxAttempts: 3,
    ...over,
  };
}

/** A number of jobs that are alike. */
export function newJobs(count: number, over: Partial<NewJob> = {}): NewJob[] {
  return Array.from({ length: count }, () => newJob(over));
}

/** A batch as tests want it: all of its jobs are in, with what is given on top. */
export function newBatch(over: Partial<NewBatch> = {}): NewBatch {
  return { id: newId(), tenant: "default", name: "import", sealed: true, ...over };
}

/** A fresh store on a fake clock, with short words for what most tests do. */
export class Scene {
  readonly opened: OpenedStore;
  readonly clock: FakeClock;
  #store: Store;

  constructor(opened: OpenedStore, clock: FakeClock) {
    this.opened = opened;
    this.clock = clock;
    this.#store = opened.store;
  }

  get store(): Store {
    return this.#store;
  }

  /** Closes the store and goes on with the same data opened anew. */
  async reopen(): Promise<void> {
    assert.ok(this.opened.reopen, "a persistent store must be able to reopen");
    this.#store = await this.opened.reopen();
  }

  /** Another handle on the same data. */
  async second(): Promise<Store> {
    assert.ok(this.opened.second, "a shared store must be able to open a second handle");
    return await this.opened.second();
  }

  insert(...jobs: readonly NewJob[]): Promise<InsertReply> {
    return this.store.jobs.insert({ jobs });
  }

  /** Inserts a batch with these jobs; its id. */
  async batch(over: Partial<NewBatch> = {}, jobs: readonly NewJob[] = []): Promise<string> {
    const batch = newBatch(over);
    await this.store.jobs.insert({ batches: [batch], jobs: jobs.map((job) => ({ ...job, batch: batch.id })) });
    return batch.id;
  }

  /** Inserts one job; its id. */
  async job(over: Partial<NewJob> = {}): Promise<string> {
    const job = newJob(over);
    await this.insert(job);
    return job.id;
  }

  /** Makes a worker known. */
  async worker(id = "w1", store: Store = this.store): Promise<string> {
    await store.workers.register({
      worker: { id, host: "here", pid: 1, tasks: ["work"], queues: ["default"], concurrency: 10 },
    });
    return id;
  }

  /** What a claim of worker `w1` for task `work` in queue `default` brings, with what is given on top. */
  async claim(over: Partial<ClaimRequest> = {}, store: Store = this.store): Promise<readonly ClaimedJob[]> {
    return (await store.jobs.claim(request(over))).jobs;
  }

  /** Claims exactly one job. */
  async claimOne(over: Partial<ClaimRequest> = {}, store: Store = this.store): Promise<ClaimedJob> {
    const [job, ...others] = await this.claim({ limit: 1, ...over }, store);
    assert.ok(job !== undefined && others.length === 0, "the claim must bring one job");
    return job;
  }

  /** A job that worker `w1` is running. */
  async running(over: Partial<NewJob> = {}): Promise<ClaimedJob> {
    await this.worker();
    const id = await this.job(over);
    const { queue = "default", task = "work" } = over;
    const job = await this.claimOne({ queues: [{ queue, quota: 1 }], tasks: [task] });
    assert.equal(job.id, id, "the claim must bring the job that was just made");
    return job;
  }

  /** Gives leases back, all in the same way; the replies. */
  settle(jobs: readonly Pick<ClaimedJob, "id" | "token">[], ending: Ending): Promise<readonly SettleReply[]> {
    return this.store.jobs.settle({ settlements: jobs.map(({ id, token }) => ({ id, token, ...ending })) });
  }

  /** Gives one lease back, which must be accepted. */
  async end(job: Pick<ClaimedJob, "id" | "token">, ending: Ending): Promise<void> {
    assert.deepEqual(await this.settle([job], ending), ["accepted"]);
  }

  /** The record of a job that must be there. */
  async get(id: string): Promise<JobRecord> {
    const [job] = await this.store.jobs.get({ ids: [id] });
    assert.ok(job, `job ${id} must be there`);
    return job;
  }

  async state(id: string): Promise<JobState> {
    return (await this.get(id)).state;
  }

  /** The states of several jobs, `null` for what is not there. */
  async states(ids: readonly string[]): Promise<(JobState | null)[]> {
    return (await this.store.jobs.get({ ids })).map((job) => job?.state ?? null);
  }

  /** Every job that is there. */
  async all(): Promise<readonly JobRecord[]> {
    return (await this.store.jobs.list({ filter: {}, limit: 100_000 })).items;
  }

  /** Makes available what is due. */
  async promote(limit = 1_000): Promise<number> {
    return (await this.store.jobs.promote({ limit })).promoted;
  }
}

/** A claim of worker `w1` for task `work` in queue `default`, with what is given on top. */
export function request(over: Partial<ClaimRequest> = {}): ClaimRequest {
  return { worker: "w1", tasks: ["work"], queues: [{ queue: "default", quota: 10 }], limit: 10, leaseMs, ...over };
}

/** The ids of jobs. */
export function ids(jobs: readonly { readonly id: string }[]): string[] {
  return jobs.map(({ id }) => id);
}

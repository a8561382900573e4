import type { ChangeReply, JobChange } from "../core/change.ts";
import { type Duration, milliseconds } from "../core/duration.ts";
import type { JobFilter } from "../core/filter.ts";
import { jobStates } from "../core/job-state.ts";
import { outcomes } from "../core/outcome.ts";
import type { JobOptions } from "../core/task.ts";
import type { Broker } from "../engine/broker.ts";
import { type AttemptView, attemptView, type JobView, jobView, type LogView, logView } from "./job-view.ts";
import { invalid, oneOf, priority, refuseOther, type Settings, shown, textList, time } from "./settings.ts";

/** Which jobs: one id, several, or all that match a filter. */
export type JobSelection = string | readonly string[] | JobQuery;

/** A filter as a user writes it; dates where the engine counts milliseconds. */
export interface JobQuery extends Omit<JobFilter, "createdBefore" | "createdAfter" | "finishedBefore"> {
  readonly createdBefore?: Date | number | undefined;
  readonly createdAfter?: Date | number | undefined;
  readonly finishedBefore?: Date | number | undefined;
}

const filterKeys: readonly string[] = [
  "tenant",
  "ids",
  "states",
  "outcomes",
  "queues",
  "tasks",
  "tags",
  "createdBefore",
  "createdAfter",
  "finishedBefore",
] satisfies (keyof JobQuery)[];

/** Jobs changed or deleted in one step, so that no other writer waits long. */
const stepSize = 1_000;

/** What can be asked and done about jobs that exist. */
export class Jobs {
  readonly #broker: Broker;
  readonly #settings: Settings;

  constructor(broker: Broker, settings: Settings) {
    this.#broker = broker;
    this.#settings = settings;
  }

  /** A job as it stands; `null` when there is none of this id. */
  async get(id: string): Promise<JobView | null> {
    const [job] = await this.#broker.get({ ids: [id] });
    return job == null ? null : jobView(job, this.#settings.codecs);
  }

  /** A page of jobs, newest first; hand the cursor to the next call. */
  async list(
    query: JobQuery = {},
    page: { readonly limit?: number | undefined; readonly cursor?: string | null | undefined } = {},
  ): Promise<{ readonly items: readonly JobView[]; readonly cursor: string | null }> {
    const { limit = 100 } = page;
    if (!Number.isInteger(limit) || limit < 1 || limit > 10_000) {
      throw invalid(`limit is ${shown(limit)}.`, "Give 1 to 10000.");
    }
    const { items, cursor } = await this.#broker.list({
      filter: this.filter(query),
      limit,
      cursor: page.cursor ?? undefined,
    });
    return { items: items.map((job) => jobView(job, this.#settings.codecs)), cursor };
  }

  /** Failed attempts of a job, oldest first, with error, stack, worker and times. */
  async attempts(id: string): Promise<AttemptView[]> {
    return (await this.#broker.history({ id })).attempts.map(attemptView);
  }

  /** A job's own log, oldest first. */
  async logs(id: string): Promise<LogView[]> {
    return (await this.#broker.history({ id })).logs.map(logView);
  }

  /** Cancels: waiting jobs at once, running ones through their abort signal. Resolves to how many it took effect on. */
  cancel(which: JobSelection): Promise<number> {
    return this.#change(which, { kind: "cancel" });
  }

  /** Gives discarded and cancelled jobs another generation, and starts retryable ones now. Resolves to how many. */
  retry(which: JobSelection): Promise<number> {
    return this.#change(which, { kind: "retry" });
  }

  /** Sets waiting jobs aside until they are released. Resolves to how many. */
  hold(which: JobSelection): Promise<number> {
    return this.#change(which, { kind: "hold" });
  }

  /** Lets held jobs go on. Resolves to how many. */
  release(which: JobSelection): Promise<number> {
    return this.#change(which, { kind: "release" });
  }

  /** Gives waiting jobs a new earliest start. Resolves to how many. */
  async reschedule(
    which: JobSelection,
    when: { readonly runAt: Date | number } | { readonly delay: Duration },
  ): Promise<number> {
    const { delay, runAt } = when as { delay?: Duration | undefined; runAt?: Date | number | undefined };
    if ((delay === undefined) === (runAt === undefined)) {
      throw invalid("A job is rescheduled by either runAt or delay.", "Give one of them.");
    }
    return this.#change(which, {
      kind: "reschedule",
      ...(delay === undefined
        ? { runAt: time(runAt as Date | number, "runAt") }
        : { delayMs: milliseconds(delay, "delay") }),
    });
  }

  /** Gives waiting jobs a new priority. Resolves to how many. */
  async prioritize(which: JobSelection, to: NonNullable<JobOptions["priority"]>): Promise<number> {
    return await this.#change(which, { kind: "prioritize", priority: priority(to) });
  }

  /** Deletes jobs that are not running, with all that is kept of them. Resolves to how many. */
  async delete(which: JobSelection): Promise<number> {
    if (typeof which === "string") return await this.delete([which]);
    let deleted = 0;
    if (isIds(which)) {
      for (const ids of inSteps(which)) deleted += await this.#broker.remove({ filter: { ids }, limit: stepSize });
      return deleted;
    }
    const filter = this.filter(which);
    for (;;) {
      const step = await this.#broker.remove({ filter, limit: stepSize });
      deleted += step;
      if (step < stepSize) return deleted;
    }
  }

  /** The filter of a query, within the tenant of the connection unless it names another, or jobs by their ids. */
  filter(query: JobQuery): JobFilter {
    refuseOther(query, "A filter of jobs", filterKeys);
    for (const key of ["ids", "states", "outcomes", "queues", "tasks", "tags"] as const) textList(query[key], key);
    oneOf(query.states, jobStates, "states");
    oneOf(query.outcomes, outcomes, "outcomes");
    const { createdBefore, createdAfter, finishedBefore } = query;
    return {
      ...query,
      tenant: query.tenant ?? (query.ids === undefined ? this.#settings.tenant : undefined),
      createdBefore: createdBefore === undefined ? undefined : time(createdBefore, "createdBefore"),
      createdAfter: createdAfter === undefined ? undefined : time(createdAfter, "createdAfter"),
      finishedBefore: finishedBefore === undefined ? undefined : time(finishedBefore, "finishedBefore"),
    };
  }

  async #change(which: JobSelection, change: JobChange): Promise<number> {
    const took = (replies: readonly ChangeReply[]) =>
      replies.filter((reply) => reply === "changed" || reply === "requested").length;
    if (typeof which === "string" || isIds(which)) {
      const ids = typeof which === "string" ? [which] : which;
      let changed = 0;
      for (const some of inSteps(ids)) changed += took(await this.#broker.change({ ids: some, change }));
      return changed;
    }
    let changed = 0;
    let cursor: string | undefined;
    do {
      const page = await this.#broker.list({ filter: this.filter(which), limit: stepSize, cursor });
      if (page.items.length > 0) {
        changed += took(await this.#broker.change({ ids: page.items.map(({ id }) => id), change }));
      }
      cursor = page.cursor ?? undefined;
    } while (cursor !== undefined);
    return changed;
  }
}

function isIds(which: JobSelection): which is readonly string[] {
  if (!Array.isArray(which)) return false;
  textList(which, "The list of ids");
  return true;
}

function* inSteps(ids: readonly string[]): Generator<readonly string[]> {
  for (let i = 0; i < ids.length; i += stepSize) yield ids.slice(i, i + stepSize);
}

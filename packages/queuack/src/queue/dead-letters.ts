import type { JobView } from "./job-view.ts";
import type { JobQuery, Jobs } from "./jobs.ts";

/** A filter over the dead letter queue. */
export type DeadQuery = Omit<JobQuery, "states">;

/** The dead letter queue: the jobs in state `discarded`, kept with every error until they are retried or purged. */
export class DeadLetters {
  readonly #jobs: Jobs;

  constructor(jobs: Jobs) {
    this.#jobs = jobs;
  }

  /** A page of discarded jobs, newest first. */
  list(
    query: DeadQuery = {},
    page: { readonly limit?: number | undefined; readonly cursor?: string | null | undefined } = {},
  ): Promise<{ readonly items: readonly JobView[]; readonly cursor: string | null }> {
    return this.#jobs.list(dead(query), page);
  }

  /** Gives discarded jobs another generation: one by its id, or all that match. Resolves to how many. */
  retry(which: string | DeadQuery = {}): Promise<number> {
    return this.#jobs.retry(typeof which === "string" ? dead({ ids: [which] }) : dead(which));
  }

  /** Deletes discarded jobs: one by its id, or all that match. Resolves to how many. */
  purge(which: string | DeadQuery = {}): Promise<number> {
    return this.#jobs.delete(typeof which === "string" ? dead({ ids: [which] }) : dead(which));
  }
}

function dead(query: DeadQuery): JobQuery {
  return { ...query, states: ["discarded"] };
}

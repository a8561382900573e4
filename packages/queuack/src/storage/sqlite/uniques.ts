import type { JobState } from "../../core/job-state.ts";
import type { Uniqueness } from "../../core/unique.ts";
import { stateCode } from "./codes.ts";
import type { Statement } from "./database.ts";
import type { Tables } from "./session.ts";

/** `job.uniq` of a new job: the states as bits, and the key with the number of its period. */
export function uniqText({ key, periodMs, states }: Uniqueness, now: number): string {
  const bits = states.reduce((sum, state) => sum | (1 << stateCode[state]), 0);
  return `${bits}:${key}${periodMs === undefined ? "" : `@${periodMs}.${Math.floor(now / periodMs)}`}`;
}

/** The key of a `job.uniq`. */
function uniqKey(uniq: string): string {
  return uniq.slice(uniq.indexOf(":") + 1);
}

/**
 * Unique keys and who holds them. A job holds its key exactly while it stands in a state that it named; the primary key
 * of the table sees to it that nobody else does.
 */
export class Uniques {
  readonly #hold: Statement;
  readonly #release: Statement;
  readonly #holder: Statement;
  readonly #ofJob: Statement;

  constructor({ db }: Tables) {
    this.#hold = db.prepare("INSERT INTO uniq (key, seq) VALUES (?, ?) ON CONFLICT DO NOTHING");
    this.#release = db.prepare("DELETE FROM uniq WHERE key = ? AND seq = ?");
    this.#holder = db.prepare("SELECT seq FROM uniq WHERE key = ?");
    this.#ofJob = db.prepare("SELECT uniq FROM job WHERE seq = ?");
  }

  /** `job.uniq` of a job. */
  of(seq: number): string | null {
    return (this.#ofJob.get(seq) as { uniq: string | null }).uniq;
  }

  /** The job that holds a key. */
  holder(uniq: string): number | undefined {
    return (this.#holder.get(uniqKey(uniq)) as { seq: number } | undefined)?.seq;
  }

  /**
   * Holds the key or lets go of it, as a job enters a state; `false` where another job holds the key that the state
   * asks for: the job must not enter it then.
   */
  enter(seq: number, uniq: string | null, state: JobState): boolean {
    if (uniq === null) return true;
    const key = uniqKey(uniq);
    if ((Number.parseInt(uniq, 10) & (1 << stateCode[state])) === 0) {
      this.#release.run(key, seq);
      return true;
    }
    return this.#hold.run(key, seq).changes !== 0 || this.holder(uniq) === seq;
  }

  /** Lets go of the key of a job that is deleted. */
  leave(seq: number, uniq: string | null): void {
    if (uniq !== null) this.#release.run(uniqKey(uniq), seq);
  }
}

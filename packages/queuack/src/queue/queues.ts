import type { Clock } from "../core/clock.ts";
import { defaults } from "../core/defaults.ts";
import { type Duration, milliseconds } from "../core/duration.ts";
import { finalStates, type JobState } from "../core/job-state.ts";
import type { QueueStats } from "../core/stats.ts";
import type { Broker } from "../engine/broker.ts";
import type { Jobs } from "./jobs.ts";
import {
  type BackpressureOptions,
  checkedBackpressure,
  name,
  positive,
  refuseOther,
  type Settings,
  wholeNumber,
} from "./settings.ts";

/** What may be set for one queue; `null` goes back to the defaults of the connection. */
export interface QueueOptions {
  readonly backpressure?: BackpressureOptions | null | undefined;
  readonly retention?:
    | { readonly completed?: Duration | undefined; readonly discarded?: Duration | undefined }
    | null
    | undefined;
  /** Raises a job's priority `by` so many points whenever it has been available for `after`, up to 100. */
  readonly escalation?: { readonly after: Duration; readonly by?: number | undefined } | null | undefined;
}

/** What can be asked and done about queues. They are made on first use. */
export class Queues {
  readonly #broker: Broker;
  readonly #settings: Settings;
  readonly #jobs: Jobs;
  readonly #clock: Clock;

  constructor(broker: Broker, settings: Settings, jobs: Jobs, clock: Clock) {
    this.#broker = broker;
    this.#settings = settings;
    this.#jobs = jobs;
    this.#clock = clock;
  }

  /** Stops handing out the jobs of a queue; what runs goes on, what is enqueued waits. */
  async pause(queue: string): Promise<void> {
    await this.#broker.pauseQueue({ tenant: this.#settings.tenant, queue: name(queue, "queue"), paused: true });
  }

  /** Hands out the jobs of a queue again. */
  async resume(queue: string): Promise<void> {
    await this.#broker.pauseQueue({ tenant: this.#settings.tenant, queue: name(queue, "queue"), paused: false });
  }

  /** Sets bounds, retention and escalation of one queue. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
  async configure(queue: string, options: QueueOptions): Promise<void> {
    refuseOther(options, "A queue", ["backpressure", "retention", "escalation"]);
    const { backpressure, retention, escalation } = options;
    if (escalation) refuseOther(escalation, "escalation", ["after", "by"]);
    if (retention) refuseOther(retention, "retention", ["completed", "discarded"]);
    const base = this.#settings;
    await this.#broker.configureQueue({
      tenant: base.tenant,
      queue: name(queue, "queue"),
      settings: {
        ...(backpressure === undefined
          ? {}
          : { backpressure: backpressure && checkedBackpressure(backpressure, base.backpressure) }),
        ...(retention === undefined
          ? {}
          : {
              retention: retention && {
                completedMs: kept(retention.completed, "retention.completed") ?? base.retention.completedMs,
                discardedMs: kept(retention.discarded, "retention.discarded") ?? base.retention.discardedMs,
              },
            }),
        ...(escalation === undefined
          ? {}
          : {
              escalation: escalation && {
                afterMs: positive(milliseconds(escalation.after, "escalation.after"), "escalation.after"),
                by: wholeNumber(escalation.by ?? defaults.escalateBy, "escalation.by", 1, 100),
              },
            }),
      },
    });
  }

  /** Every queue of the tenant with its figures; costs the same however many jobs there are. */
  async list(): Promise<readonly QueueStats[]> {
    return await this.#broker.queueStats({ tenant: this.#settings.tenant });
  }

  /** One queue with its figures; `null` when it was never used. */
  async get(queue: string): Promise<QueueStats | null> {
    const [stats] = await this.#broker.queueStats({ tenant: this.#settings.tenant, queue });
    return stats ?? null;
  }

  /**
   * Deletes jobs of a queue: the final ones by default, or those in the given states; running ones stay.
   * Gives the space back to the file system. Resolves to how many.
   */
  async purge(
    queue: string,
    options: { readonly states?: readonly JobState[] | undefined; readonly olderThan?: Duration | undefined } = {},
  ): Promise<number> {
    refuseOther(options, "A purge", ["states", "olderThan"]);
    const { states = finalStates, olderThan } = options;
    const before = olderThan === undefined ? undefined : this.#clock.now() - milliseconds(olderThan, "olderThan");
    const onlyFinal = states.every((state) => (finalStates as readonly JobState[]).includes(state));
    const deleted = await this.#jobs.delete({
      queues: [name(queue, "queue")],
      states,
      ...(onlyFinal ? { finishedBefore: before } : { createdBefore: before }),
    });
    if (deleted > 0) await this.#broker.compact();
    return deleted;
  }
}

function kept(duration: Duration | undefined, what: string): number | undefined {
  return duration === undefined ? undefined : milliseconds(duration, what);
}

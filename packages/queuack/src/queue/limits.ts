import { type Duration, milliseconds } from "../core/duration.ts";
import type { Limit, LimitScope, LimitUsage } from "../core/flow/limit.ts";
import { validTaskName } from "../core/task.ts";
import type { Broker } from "../engine/broker.ts";
import { groupKey, invalid, name, positive, refuseOther, type Settings, shown, wholeNumber } from "./settings.ts";

/** What may be set for a scope; what is left out is not limited. */
export interface LimitOptions {
  /** Most jobs that run at a time, in all workers together; 0 lets none start. */
  readonly concurrency?: number | undefined;
  /** At most `limit` starts within any span of `per`. */
  readonly rate?: { readonly limit: number; readonly per: Duration } | undefined;
  /** Share beside other groups, or beside other tenants where the scope is empty; 1 by default. */
  readonly weight?: number | undefined;
}

/** Limits on what runs, by queue, task, group, or any combination; kept in the store, enforced for all its workers. */
export class Limits {
  readonly #broker: Broker;
  readonly #settings: Settings;

  constructor(broker: Broker, settings: Settings) {
    this.#broker = broker;
    this.#settings = settings;
  }

  /**
   * Sets a limit in place of what this scope had. It holds from the next claim on; what runs already goes on.
   * @param scope `{ queue }`, `{ task }`, `{ group: "acme" }`, `{ group: "*" }` for each group by itself, any
   *   combination, or `{}` for the whole tenant. Of several limits that hold for a job, all must have room.
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK`
   */
  async set(scope: LimitScope, limit: LimitOptions): Promise<void> {
    await this.#broker.setLimit({
      tenant: this.#settings.tenant,
      scope: checkedScope(scope),
      limit: checked(limit, scope),
    });
  }

  /** Takes a limit away. */
  async remove(scope: LimitScope): Promise<void> {
    await this.#broker.setLimit({ tenant: this.#settings.tenant, scope: checkedScope(scope), limit: null });
  }

  /**
   * The limits of the tenant with what is used of them now; of one for every group, a line for each group that uses it, or
   * one line when none does.
   */
  async list(): Promise<readonly LimitUsage[]> {
    return await this.#broker.listLimits({ tenant: this.#settings.tenant });
  }
}

function checkedScope(scope: LimitScope): LimitScope {
  refuseOther(scope, "The scope of a limit", ["queue", "task", "group"]);
  const { queue, task, group } = scope;
  return {
    queue: queue === undefined ? undefined : name(queue, "queue"),
    task: task === undefined ? undefined : validTaskName(task),
    group: group === undefined || group === "*" ? group : groupKey(group),
  };
}

function checked(limit: LimitOptions, { queue, task, group }: LimitScope): Limit {
  refuseOther(limit, "A limit", ["concurrency", "rate", "weight"]);
  const { concurrency, rate, weight } = limit;
  if (concurrency === undefined && rate === undefined && weight === undefined) {
    throw invalid("A limit says nothing.", "Give concurrency, rate or weight; remove() takes a limit away.");
  }
  if (rate !== undefined) refuseOther(rate, "rate", ["limit", "per"]);
  if (weight !== undefined) {
    if (!(Number.isFinite(weight) && weight >= 0.001 && weight <= 1_000)) {
      throw invalid(`weight is ${shown(weight)}.`, "Give a number from 0.001 to 1000.");
    }
    if (group === undefined && (queue !== undefined || task !== undefined)) {
      throw invalid("weight is given for a scope without a group.", "Only groups and tenants share by weight.");
    }
  }
  return {
    concurrency: concurrency === undefined ? null : wholeNumber(concurrency, "concurrency", 0, 1_000_000),
    rate:
      rate === undefined
        ? null
        : {
            limit: wholeNumber(rate.limit, "rate.limit", 1, 1_000_000_000),
            periodMs: positive(milliseconds(rate.per, "rate.per"), "rate.per"),
          },
    weight: weight ?? null,
  };
}

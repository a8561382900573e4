import { concernsLane, type LimitRule, type Place } from "../../core/flow/limit.ts";
import type { Escalation } from "../../core/queue-settings.ts";
import type { Database, SqlRow, Statement } from "./database.ts";

/** Columns of a limit, for `limitRule`. */
const columns = "id, tenant, queue, task, grp, concurrency, rate, period, weight";

/** The limits and escalations at one moment. */
export class FlowSnapshot {
  readonly rules: readonly LimitRule[];
  /** How priorities rise, by number of the queue. */
  readonly escalations: ReadonlyMap<number, Escalation>;
  readonly #byLane = new Map<number, readonly LimitRule[]>();

  constructor(rules: readonly LimitRule[], escalations: ReadonlyMap<number, Escalation>) {
    this.rules = rules;
    this.escalations = escalations;
  }

  /** The limits that concern a lane; an empty list where there are none at all. */
  ofLane(lane: Omit<Place, "group"> & { readonly id: number }): readonly LimitRule[] {
    if (this.rules.length === 0) return this.rules;
    let rules = this.#byLane.get(lane.id);
    if (rules === undefined) {
      rules = this.rules.filter((rule) => concernsLane(rule, lane));
      this.#byLane.set(lane.id, rules);
    }
    return rules;
  }
}

/** Reads limits and escalations, anew only when somebody has changed them: one look at one row says so. */
export class FlowRules {
  readonly #version: Statement;
  readonly #raise: Statement;
  readonly #limits: Statement;
  readonly #escalations: Statement;
  #known = -1;
  #snapshot = new FlowSnapshot([], new Map());

  constructor(db: Database) {
    this.#version = db.prepare("SELECT flow FROM sequence");
    this.#raise = db.prepare("UPDATE sequence SET flow = flow + 1");
    this.#limits = db.prepare(`SELECT ${columns} FROM flow_limit ORDER BY id`);
    this.#escalations = db.prepare("SELECT id, escalation FROM queue WHERE escalation IS NOT NULL");
  }

  /** Forgets what it knows: a rolled-back write may have made it. */
  forget(): void {
    this.#known = -1;
  }

  /** Tells everybody, in this process and in others, that something was changed. */
  changed(): void {
    this.#raise.run();
    this.forget();
  }

  /** What holds in the transaction at hand. */
  now(): FlowSnapshot {
    const { flow } = this.#version.get() as { flow: number };
    if (flow !== this.#known) {
      this.#snapshot = new FlowSnapshot(
        (this.#limits.all() as SqlRow[]).map(limitRule),
        new Map(
          (this.#escalations.all() as SqlRow[]).map((row) => [row.id as number, JSON.parse(row.escalation as string)]),
        ),
      );
      this.#known = flow;
    }
    return this.#snapshot;
  }
}

/** A row of `flow_limit` as the engine reads it. */
function limitRule(row: SqlRow): LimitRule {
  const given = (name: string) => (row[name] === "" ? undefined : (row[name] as string));
  return {
    id: row.id as number,
    tenant: row.tenant as string,
    scope: { queue: given("queue"), task: given("task"), group: given("grp") },
    concurrency: row.concurrency as number | null,
    rate: row.rate === null ? null : { limit: row.rate as number, periodMs: row.period as number },
    weight: row.weight as number | null,
  };
}

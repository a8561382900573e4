import { type Counted, recordedAt, type Starts, type Usage } from "../../core/flow/allowance.ts";
import { type LimitRule, type Rate, rulesFor } from "../../core/flow/limit.ts";
import type { Statement } from "./database.ts";
import type { FlowSnapshot } from "./flow-rules.ts";
import type { Session } from "./session.ts";

interface LeaseCount {
  readonly lane: number;
  readonly grp: string;
  readonly n: number;
}

interface Statements {
  readonly running: Statement;
  readonly starts: Statement;
  readonly forget: Statement;
  readonly record: Statement;
}

const prepared = new WeakMap<Session, Statements>();

/** What the limits of one claim are reckoned from: the leases as they stand, and the starts that were recorded. */
export class ClaimUsage implements Usage {
  readonly #session: Session;
  readonly #flow: FlowSnapshot;
  readonly #statements: Statements;
  /** Running jobs by rule, and group where the rule counts each by itself; counted when first asked for. */
  #running: ReadonlyMap<string, number> | null = null;

  constructor(session: Session, flow: FlowSnapshot) {
    this.#session = session;
    this.#flow = flow;
    let statements = prepared.get(session);
    if (statements === undefined) {
      const { db } = session;
      statements = {
        // Leases are few, as many as jobs run: one walk counts them for every limit.
        running: db.prepare("SELECT lane, grp, count(*) AS n FROM lease GROUP BY lane, grp"),
        starts: db.prepare("SELECT at, n FROM start WHERE flow_limit = ? AND grp = ?"),
        forget: db.prepare("DELETE FROM start WHERE flow_limit = ? AND grp = ? AND at <= ?"),
        record: db.prepare(`INSERT INTO start (flow_limit, grp, at, n) VALUES (?, ?, ?, ?)
          ON CONFLICT DO UPDATE SET n = n + excluded.n`),
      };
      prepared.set(session, statements);
    }
    this.#statements = statements;
  }

  running(rule: LimitRule, group: string | null): number {
    this.#running ??= this.#count();
    return this.#running.get(`${rule.id}\u0000${group ?? ""}`) ?? 0;
  }

  starts(rule: LimitRule, group: string | null): readonly Starts[] {
    return this.#statements.starts.all(rule.id, group ?? "") as Starts[];
  }

  /** Keeps what has started under a rate, and forgets what counts no longer. */
  record(started: readonly (Counted & { readonly n: number })[], now: number): void {
    for (const { rule, group, n } of started) {
      const rate = rule.rate as Rate;
      this.#statements.forget.run(rule.id, group ?? "", now - rate.periodMs);
      this.#statements.record.run(rule.id, group ?? "", recordedAt(now, rate), n);
    }
  }

  #count(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    const { lanes } = this.#session;
    for (const { lane, grp, n } of this.#statements.running.all() as LeaseCount[]) {
      const place = lanes.byId(lane);
      for (const rule of rulesFor(this.#flow.ofLane(place), grp)) {
        const key = `${rule.id}\u0000${rule.scope.group === "*" ? grp : ""}`;
        counts.set(key, (counts.get(key) ?? 0) + n);
      }
    }
    return counts;
  }
}

import { Allowance, type Counted } from "../../core/flow/allowance.ts";
import type { LimitScope, LimitUsage, Rate } from "../../core/flow/limit.ts";
import type { FlowStore } from "../store.ts";
import { ClaimUsage } from "./claim-usage.ts";
import { idBytes } from "./codes.ts";
import type { SqlRow } from "./database.ts";
import { jobRecord, recordColumns, recordTables } from "./job-rows.ts";
import type { Session } from "./session.ts";
import { workerRecord } from "./workers.ts";

/** Jobs that may come before one are counted up to here: enough to know that it must wait. */
const countAhead = 1_000;

/** Lists that are let go between two looks at the clock: there may be as many as there are groups. */
const unparkedAtOnce = 500;

/** The limits' part of the store. */
export function flowStore(session: Session): FlowStore {
  const { db, writer, clock, flow } = session;
  const set = db.prepare(`INSERT INTO flow_limit (tenant, queue, task, grp, concurrency, rate, period, weight)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET concurrency = excluded.concurrency, rate = excluded.rate, period = excluded.period,
      weight = excluded.weight`);
  const find = db.prepare("SELECT id FROM flow_limit WHERE tenant = ? AND queue = ? AND task = ? AND grp = ?");
  const remove = db.prepare("DELETE FROM flow_limit WHERE id = ?");
  const forgetStarts = db.prepare("DELETE FROM start WHERE flow_limit = ?");
  const unparkSome = db.prepare(`UPDATE turn SET parked = 0 WHERE (lane, grp, rank) IN
    (SELECT lane, grp, rank FROM turn WHERE parked > 0 LIMIT ${unparkedAtOnce})`);
  const groups = db.prepare(`SELECT DISTINCT grp FROM lease WHERE grp <> ''
    UNION SELECT grp FROM start WHERE flow_limit = ?`);
  const job = db.prepare(`SELECT ${recordColumns}, job.lane, queue.paused_at FROM ${recordTables} WHERE job.id = ?`);
  const ahead = db.prepare(`SELECT count(*) AS n FROM (SELECT 1 FROM ready JOIN lane ON lane.id = ready.lane
    WHERE lane.queue = (SELECT queue FROM lane WHERE id = ?) AND (ready.rank, ready.seq) < (?, ?)
    LIMIT ${countAhead})`);
  const workers = db.prepare("SELECT * FROM worker WHERE state = 'running' ORDER BY number");

  /** What is used of a limit: where it counts each group by itself, by those that use it, or once when none does. */
  function usageOf(rule: LimitUsage | Counted["rule"], now: number): LimitUsage[] {
    const usage = new ClaimUsage(session, flow.now());
    const used = (group: string | null) => {
      const since = now - ((rule.rate as Rate | null)?.periodMs ?? 0);
      const starts = rule.rate === null ? [] : usage.starts(rule, group).filter(({ at }) => at > since);
      return {
        ...rule,
        group,
        running: usage.running(rule, group),
        started: starts.reduce((sum, { n }) => sum + n, 0),
      };
    };
    if (rule.scope.group !== "*") return [used(null)];
    // The leases hold groups of other queues and tenants as well: what they are called is not for this one.
    const users = (groups.all(rule.id) as { grp: string }[])
      .map(({ grp }) => used(grp))
      .filter(({ running, started }) => running > 0 || started > 0);
    return users.length > 0 ? users : [used(null)];
  }

  return {
    limit: ({ tenant, scope, limit }) =>
      writer.write(function* () {
        const key = scopeKey(tenant, scope);
        if (limit === null) {
          const known = find.get(...key) as { id: number } | undefined;
          if (known === undefined) return;
          forgetStarts.run(known.id);
          remove.run(known.id);
        } else {
          const { concurrency, rate, weight } = limit;
          set.run(...key, concurrency, rate?.limit ?? null, rate?.periodMs ?? null, weight);
        }
        flow.changed();
        while (Number(unparkSome.run().changes) === unparkedAtOnce) yield;
      }),

    limits: ({ tenant }) =>
      writer.read(() => {
        const now = clock.now();
        return flow
          .now()
          .rules.flatMap((rule) => (tenant === undefined || rule.tenant === tenant ? usageOf(rule, now) : []));
      }),

    standing: ({ id }) =>
      writer.read(() => {
        const row = job.get(idBytes(id)) as SqlRow | undefined;
        if (row === undefined) return null;
        const record = jobRecord(row);
        const snapshot = flow.now();
        const rules = snapshot.ofLane({ ...record, id: row.lane as number });
        const allowance = new Allowance(new ClaimUsage(session, snapshot), clock.now());
        const before = ahead.get(row.lane as number, 100 - record.priority, row.seq as number) as { n: number };
        return {
          job: record,
          pausedAt: row.paused_at as number | null,
          full: allowance.full(rules, record.group ?? ""),
          ahead: before.n,
          workers: (workers.all() as SqlRow[]).map(workerRecord),
        };
      }),
  };
}

function scopeKey(tenant: string, { queue = "", task = "", group = "" }: LimitScope): [string, string, string, string] {
  return [tenant, queue, task, group];
}

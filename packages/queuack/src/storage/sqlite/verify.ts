import { jobStates } from "../../core/job-state.ts";
import { stateCode } from "./codes.ts";
import type { Database, Statement } from "./database.ts";
import { untilEnd } from "./timing.ts";

/** Where every job stands, one row a standing: a job that is whole has exactly one. */
const standings = `SELECT seq, 'ready' AS place, lane, ${stateCode.available} AS state FROM ready
  UNION ALL SELECT seq, 'timer', NULL, state FROM timer
  UNION ALL SELECT seq, 'pending', NULL, ${stateCode.pending} FROM pending
  UNION ALL SELECT seq, 'lease', lane, ${stateCode.running} FROM lease
  UNION ALL SELECT seq, 'done', lane, state FROM done`;

/** Rows of `table` whose `column` is the number of nothing in `target`. */
function orphans(table: string, column: string, target: string, key: string): string {
  return `SELECT DISTINCT '${table}.${column} ' || t.${column} || ' is no ${target}' FROM ${table} AS t
    LEFT JOIN ${target} AS target ON target.${key} = t.${column} WHERE target.${key} IS NULL AND t.${column} IS NOT NULL`;
}

/** The counter of a state as it stands and as a recount has it. */
const counters = jobStates
  .map((state) => `SELECT id AS lane, ${stateCode[state]} AS state, ${state} AS n FROM lane`)
  .join(" UNION ALL ");

/** The members of batches, a row each, as the counters of their batch have to have them. */
const members = `WITH standing AS (${standings}), member AS (
    SELECT job.batch, state < ${stateCode.completed} AS open,
      state NOT IN (${stateCode.completed}, ${stateCode.skipped}) AND state >= ${stateCode.completed} AS failed
    FROM job JOIN standing ON standing.seq = job.seq WHERE job.batch IS NOT NULL
    UNION ALL SELECT parent, open > 0 OR sealed = 0, failed > 0 AND open = 0 AND sealed = 1 FROM batch WHERE parent IS NOT NULL)`;

/** Each answers with one line of text for every row that breaks its rule; each walks its tables once. */
const rules: readonly string[] = [
  `WITH standing AS (${standings})
    SELECT 'job ' || job.seq || ' stands in ' || coalesce(group_concat(place), 'no place') FROM job
    LEFT JOIN standing ON standing.seq = job.seq GROUP BY job.seq HAVING count(place) <> 1`,
  `WITH standing AS (${standings})
    SELECT place || ' holds ' || standing.seq || ', which is no job' FROM standing
    LEFT JOIN job ON job.seq = standing.seq WHERE job.seq IS NULL`,
  `WITH standing AS (${standings})
    SELECT place || ' says lane ' || standing.lane || ' of job ' || job.seq || ', which is of lane ' || job.lane
    FROM standing JOIN job ON job.seq = standing.seq WHERE standing.lane <> job.lane`,
  `WITH standing AS (${standings}),
    recount AS (SELECT job.lane, state, count(*) AS n FROM job JOIN standing ON standing.seq = job.seq GROUP BY 1, 2),
    counter AS (${counters})
    SELECT 'lane ' || counter.lane || ' counts ' || counter.n || ' in state ' || counter.state || '; there are ' || coalesce(recount.n, 0)
    FROM counter LEFT JOIN recount ON recount.lane = counter.lane AND recount.state = counter.state
    WHERE counter.n <> coalesce(recount.n, 0)`,
  orphans("job", "lane", "lane", "id"),
  orphans("lane", "queue", "queue", "id"),
  orphans("throughput", "lane", "lane", "id"),
  orphans("lease", "worker", "worker", "number"),
  ...["failure", "log", "progress", "idempotency", "rise", "uniq"].map((table) => orphans(table, "seq", "job", "seq")),
  orphans("job", "batch", "batch", "seq"),
  orphans("batch", "parent", "batch", "seq"),
  orphans("start", "flow_limit", "flow_limit", "id"),
  orphans("turn", "lane", "lane", "id"),
  orphans("share", "queue", "queue", "id"),
  `SELECT 'ready has job ' || job.seq || ' at rank ' || rank || '; its priority is ' || priority
    FROM ready JOIN job ON job.seq = ready.seq WHERE rank <> 100 - priority`,
  ...["ready", "lease"].map(
    (table) => `SELECT '${table} says group ' || t.grp || ' of job ' || job.seq || ', which is of ' || job.grp
      FROM ${table} AS t JOIN job ON job.seq = t.seq WHERE t.grp <> job.grp`,
  ),
  `SELECT DISTINCT 'the list ' || ready.lane || '/' || ready.grp || '/' || ready.rank || ' has jobs and no turn' FROM ready
    LEFT JOIN turn ON turn.lane = ready.lane AND turn.grp = ready.grp AND turn.rank = ready.rank WHERE turn.lane IS NULL`,
  // Otherwise it would wait for ever: nothing ends that could set it free.
  `SELECT 'the list ' || lane || '/' || grp || '/' || rank || ' is parked, and no job of its group runs' FROM turn
    WHERE parked = ${untilEnd} AND NOT EXISTS (SELECT 1 FROM lease WHERE lease.grp = turn.grp)
      AND NOT EXISTS (SELECT 1 FROM flow_limit WHERE concurrency = 0)`,
  `SELECT 'the lease of job ' || job.seq || ' says ' || lease.uniq || ' of its unique key ' || coalesce(job.uniq, 'none')
    FROM lease JOIN job ON job.seq = lease.seq WHERE lease.uniq <> (job.uniq IS NOT NULL)`,
  `WITH standing AS (${standings}), held AS (SELECT job.seq, substr(uniq, instr(uniq, ':') + 1) AS key,
      (CAST(uniq AS INTEGER) >> state) & 1 AS wants, state FROM job JOIN standing ON standing.seq = job.seq
      WHERE uniq IS NOT NULL)
    SELECT 'job ' || held.seq || ' in state ' || state || CASE WHEN wants THEN ' does not hold' ELSE ' holds' END
      || ' its unique key ' || held.key
    FROM held LEFT JOIN uniq ON uniq.key = held.key AND uniq.seq = held.seq
    WHERE (uniq.seq IS NULL AND wants AND state < ${stateCode.completed}) OR (uniq.seq IS NOT NULL AND NOT wants)`,
  `SELECT 'unique key ' || uniq.key || ' is held by job ' || job.seq || ', which has ' || coalesce(job.uniq, 'none')
    FROM uniq JOIN job ON job.seq = uniq.seq WHERE job.uniq IS NULL OR substr(job.uniq, instr(job.uniq, ':') + 1) <> uniq.key`,
  `SELECT 'the lease of job ' || job.seq || ' says batch ' || coalesce(lease.batch, 'none') || ', and the job ' || coalesce(job.batch, 'none')
    FROM lease JOIN job ON job.seq = lease.seq WHERE lease.batch IS NOT job.batch`,
  `${members} SELECT 'batch ' || batch.seq || ' counts ' || batch.open || ' open; there are ' || coalesce(sum(member.open), 0)
    FROM batch LEFT JOIN member ON member.batch = batch.seq GROUP BY batch.seq HAVING batch.open <> coalesce(sum(member.open), 0)`,
  // Final members may have been deleted, and count on.
  `${members} SELECT 'batch ' || batch.seq || ' counts ' || batch.total || ' in all; there are ' || count(member.batch)
    FROM batch LEFT JOIN member ON member.batch = batch.seq GROUP BY batch.seq HAVING batch.total < count(member.batch)`,
  `${members} SELECT 'batch ' || batch.seq || ' counts ' || batch.failed || ' failed; there are ' || coalesce(sum(member.failed), 0)
    FROM batch LEFT JOIN member ON member.batch = batch.seq GROUP BY batch.seq HAVING batch.failed < coalesce(sum(member.failed), 0)`,
  `${members} SELECT 'batch ' || batch.seq || ' counts ' || (total - batch.open - batch.failed) || ' well; there are '
      || coalesce(sum(1 - member.open - member.failed), 0)
    FROM batch LEFT JOIN member ON member.batch = batch.seq GROUP BY batch.seq
    HAVING total - batch.open - batch.failed < coalesce(sum(1 - member.open - member.failed), 0)`,
  `SELECT 'batch ' || seq || ' has nothing open and never completed' FROM batch
    WHERE open = 0 AND sealed = 1 AND completed_at IS NULL`,
  `SELECT 'batch ' || seq || ' has nothing open, none failed, and never succeeded' FROM batch
    WHERE open = 0 AND sealed = 1 AND failed = 0 AND succeeded_at IS NULL`,
  "SELECT 'batch ' || seq || ' succeeded and never completed' FROM batch WHERE succeeded_at IS NOT NULL AND completed_at IS NULL",
  "SELECT 'batch ' || seq || ' completed and is not sealed' FROM batch WHERE completed_at IS NOT NULL AND sealed <> 1",
  ...["complete", "success"].map((on) => {
    const at = on === "complete" ? "completed_at" : "succeeded_at";
    return `SELECT 'batch ' || batch.seq || ' has not fired its on_${on}, and job ' || job.seq || ' is it' FROM batch
      JOIN job ON job.id = unhex(replace(on_${on} ->> 'id', '-', '')) WHERE ${at} IS NULL`;
  }),
  `SELECT 'job ' || job.seq || ' follows batch ' || batch.seq || ', and is neither of its callbacks' FROM job
    JOIN batch ON batch.id = unhex(replace(job.options ->> 'callbackOf', '-', ''))
    WHERE job.options ->> 'callbackOf' IS NOT NULL AND hex(job.id) NOT IN (
      upper(replace(coalesce(on_complete ->> 'id', ''), '-', '')), upper(replace(coalesce(on_success ->> 'id', ''), '-', '')))`,
  `SELECT 'timer has job ' || job.seq || ' at ' || at || '; its start is ' || run_at
    FROM timer JOIN job ON job.seq = timer.seq WHERE at <> run_at`,
  `SELECT 'timer has job ' || seq || ' in state ' || state FROM timer
    WHERE state NOT IN (${stateCode.scheduled}, ${stateCode.retryable})`,
  `SELECT 'done has job ' || seq || ' in state ' || state FROM done WHERE state < ${stateCode.completed}`,
  "SELECT 'job ' || seq || ' has used ' || job.attempts || ' attempts of ' || max_attempts FROM job WHERE job.attempts > job.max_attempts",
  `SELECT 'job ' || job.seq || ' ended after ' || done.attempts || ' attempts of ' || max_attempts
    FROM done JOIN job ON job.seq = done.seq WHERE done.attempts > max_attempts`,
  `SELECT 'job ' || job.seq || ' waits or runs with all ' || job.attempts || ' attempts used' FROM job
    LEFT JOIN done ON done.seq = job.seq WHERE done.seq IS NULL AND job.attempts >= max_attempts`,
  `SELECT 'the lease of job ' || job.seq || ' is for attempt ' || attempt || ' after ' || job.attempts
    FROM lease JOIN job ON job.seq = lease.seq WHERE attempt <> job.attempts + 1`,
  `SELECT 'job ' || job.seq || ' has used ' || job.attempts || ' attempts, and ' || count(failure.seq) || ' are recorded'
    FROM job LEFT JOIN done ON done.seq = job.seq
    LEFT JOIN failure ON failure.seq = job.seq AND failure.generation = job.generation
    WHERE done.seq IS NULL GROUP BY job.seq HAVING count(failure.seq) <> job.attempts`,
  `SELECT 'failure of generation ' || failure.generation || ' of job ' || job.seq || ', which is in ' || job.generation
    FROM failure JOIN job ON job.seq = failure.seq WHERE failure.generation > job.generation`,
  "SELECT 'token ' || token || ' is on ' || count(*) || ' leases' FROM lease GROUP BY token HAVING count(*) > 1",
  `SELECT 'job ' || max(job.seq) || ' is beyond the sequence, ' || sequence.seq FROM sequence, job
    HAVING max(job.seq) > sequence.seq`,
  `SELECT 'token ' || max(lease.token) || ' is beyond the sequence, ' || sequence.token FROM sequence, lease
    HAVING max(lease.token) > sequence.token`,
  "SELECT 'sequence has ' || count(*) || ' rows' FROM sequence HAVING count(*) <> 1",
];

/** Reading the rules costs more than following them on a small database, and tests follow them after every step. */
const prepared = new WeakMap<Database, readonly Statement[]>();

/**
 * What is wrong in the tables of a queue: one line for every row that breaks an invariant, nothing when all is well.
 * Walks each table a few times: for tests and for support, not for the way of a job.
 */
export function verifyDatabase(db: Database): string[] {
  let statements = prepared.get(db);
  if (statements === undefined) {
    statements = rules.map((rule) => db.prepare(rule));
    prepared.set(db, statements);
  }
  return statements.flatMap((rule) => rule.all().map((row) => String(Object.values(row as object)[0])));
}

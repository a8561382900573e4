import { join } from "node:path";
import { expect, test } from "vitest";
import { newId, newJob, request, someError } from "../conformance/scene.ts";
import { openConnection } from "./database.ts";
import { openTestStore, temporaryFolder } from "./fixtures/test-store.ts";
import { verifyDatabase } from "./verify.ts";

/** Damage done to a whole database by hand, and the first line that must speak of it. Jobs 1 to 9 stand as below. */
const damages: readonly [string, RegExp][] = [
  ["DELETE FROM ready", /job 1 stands in no place/],
  ["INSERT INTO pending VALUES (1, 'x')", /job 1 stands in (ready,pending|pending,ready)/],
  ["INSERT INTO pending VALUES (77, 'x')", /pending holds 77, which is no job/],
  ["UPDATE lease SET lane = 77", /lease says lane 77 of job 4, which is of lane 1/],
  ["UPDATE lane SET available = available + 1", /lane 1 counts 2 in state 2; there are 1/],
  ["UPDATE lane SET completed = 0", /lane 1 counts 0 in state 5; there are 1/],
  ["UPDATE job SET lane = 77 WHERE seq = 2", /lane 1 counts|job.lane 77 is no lane/],
  ["UPDATE lane SET queue = 77", /lane.queue 77 is no queue/],
  ["INSERT INTO throughput VALUES (77, 1, 0, 0)", /throughput.lane 77 is no lane/],
  ["DELETE FROM worker", /lease.worker 1 is no worker/],
  ["INSERT INTO failure VALUES (77, 1, 1, 2, '{}', NULL, 0, 0)", /failure.seq 77 is no job/],
  ["INSERT INTO log VALUES (77, 1, 0, 'info', '', NULL, 1)", /log.seq 77 is no job/],
  ["INSERT INTO progress VALUES (77, '1')", /progress.seq 77 is no job/],
  ["INSERT INTO idempotency VALUES ('t', 'k', 77)", /idempotency.seq 77 is no job/],
  ["UPDATE job SET priority = 51 WHERE seq = 1", /ready has job 1 at rank 50; its priority is 51/],
  ["UPDATE job SET run_at = run_at + 1 WHERE seq = 2", /timer has job 2 at \d+; its start is \d+/],
  ["UPDATE timer SET state = 3", /timer has job \d in state 3/],
  ["UPDATE done SET state = 2", /done has job 5 in state 2/],
  ["UPDATE job SET attempts = 9 WHERE seq = 1", /job 1 has used 9 attempts of 3/],
  ["UPDATE done SET attempts = 9", /job 5 ended after 9 attempts of 3/],
  ["UPDATE job SET attempts = 3 WHERE seq = 1", /job 1 waits or runs with all 3 attempts used/],
  ["UPDATE lease SET attempt = 2", /the lease of job 4 is for attempt 2 after 0/],
  ["DELETE FROM failure", /job 6 has used 1 attempts, and 0 are recorded/],
  ["UPDATE failure SET generation = 2", /failure of generation 2 of job 6, which is in 1/],
  ["UPDATE ready SET grp = 'x'", /ready says group x of job 1, which is of /],
  ["UPDATE lease SET grp = 'x'", /lease says group x of job 4, which is of /],
  ["DELETE FROM turn", /the list 1\/\/50 has jobs and no turn/],
  [
    "UPDATE turn SET grp = 'x', parked = 9007199254740991",
    /the list 1\/x\/\d+ is parked, and no job of its group runs/,
  ],
  ["INSERT INTO turn VALUES (77, '', 1, 0, 0)", /turn.lane 77 is no lane/],
  ["INSERT INTO share VALUES (77, 'x', 1)", /share.queue 77 is no queue/],
  ["INSERT INTO start VALUES (77, '', 1, 1)", /start.flow_limit 77 is no flow_limit/],
  ["INSERT INTO rise VALUES (77, 1)", /rise.seq 77 is no job/],
  ["UPDATE lease SET uniq = 1", /the lease of job 4 says 1 of its unique key none/],
  ["UPDATE job SET uniq = '7:k' WHERE seq = 3", /job 3 in state 1 does not hold its unique key k/],
  [
    "UPDATE job SET uniq = '0:k' WHERE seq = 3; INSERT INTO uniq VALUES ('k', 3)",
    /job 3 in state 1 holds its unique key k/,
  ],
  ["INSERT INTO uniq VALUES ('k', 3)", /unique key k is held by job 3, which has none/],
  ["INSERT INTO uniq VALUES ('k', 77)", /uniq.seq 77 is no job/],
  ["INSERT INTO lease SELECT 1, token, lane, 1, worker, 0, 0, 0, '', 0, NULL FROM lease", /token \d+ is on 2 leases/],
  ["UPDATE sequence SET seq = 1", /job 9 is beyond the sequence, 1/],
  ["UPDATE sequence SET token = 1", /token \d+ is beyond the sequence, 1/],
  ["DELETE FROM sequence", /sequence has 0 rows/],
  ["UPDATE job SET batch = 77 WHERE seq = 3", /job.batch 77 is no batch/],
  ["UPDATE batch SET parent = 77 WHERE seq = 2", /batch.parent 77 is no batch/],
  ["UPDATE lease SET batch = 1", /the lease of job 4 says batch 1, and the job none/],
  ["UPDATE batch SET open = 2 WHERE seq = 1", /batch 1 counts 2 open; there are 1/],
  ["UPDATE batch SET total = 1 WHERE seq = 1", /batch 1 counts 1 in all; there are 2/],
  ["UPDATE job SET batch = 1 WHERE seq = 5", /batch 1 counts 1 well; there are 2/],
  ["UPDATE job SET batch = 1 WHERE seq = 5; UPDATE done SET state = 6", /batch 1 counts 0 failed; there are 1/],
  ["UPDATE batch SET completed_at = NULL WHERE seq = 2", /batch 2 has nothing open and never completed/],
  ["UPDATE batch SET succeeded_at = NULL WHERE seq = 2", /batch 2 has nothing open, none failed, and never succeeded/],
  ["UPDATE batch SET succeeded_at = 1 WHERE seq = 1", /batch 1 succeeded and never completed/],
  ["UPDATE batch SET sealed = 0 WHERE seq = 2", /batch 2 completed and is not sealed/],
  ["UPDATE batch SET completed_at = NULL WHERE seq = 2", /batch 2 has not fired its on_complete, and job 8 is it/],
  ["UPDATE batch SET succeeded_at = NULL WHERE seq = 2", /batch 2 has not fired its on_success, and job 9 is it/],
  ["UPDATE batch SET on_complete = NULL WHERE seq = 2", /job 8 follows batch 2, and is neither of its callbacks/],
];

test("every rule finds what breaks it, and a whole database breaks none", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  const store = await openTestStore(path);
  await store.workers.register({
    worker: { id: "w1", host: "h", pid: 1, tasks: [], queues: [], concurrency: 1 },
  });
  const late = { priority: 10 };
  await store.jobs.insert({ jobs: [newJob(late), newJob({ delayMs: 9 }), newJob({ waitingFor: "x" })] });
  await store.jobs.insert({ jobs: [newJob(), newJob(), newJob()] });
  const { jobs } = await store.jobs.claim(request({ limit: 3 }));
  const [, completed, failed] = jobs;
  await store.jobs.settle({
    settlements: [
      { id: completed?.id ?? "", token: completed?.token ?? 0, to: "completed", result: null },
      {
        id: failed?.id ?? "",
        token: failed?.token ?? 0,
        to: "retryable",
        delayMs: 9,
        outcome: "failed",
        error: someError,
      },
    ],
  });
  const [ready] = (await store.jobs.list({ filter: { states: ["available"] }, limit: 1 })).items;
  await store.jobs.change({ ids: [ready?.id ?? ""], change: { kind: "prioritize", priority: 50 } });
  const [parent, child] = [newId(), newId()];
  const follows = { callbackOf: child, delayMs: 9, task: "other" };
  await store.jobs.insert({
    batches: [
      { id: parent, tenant: "default", name: "parent", sealed: true },
      {
        id: child,
        tenant: "default",
        name: "child",
        parent,
        sealed: true,
        onComplete: newJob(follows),
        onSuccess: newJob(follows),
      },
      { id: newId(), tenant: "default", name: "unsealed", sealed: false },
    ],
    jobs: [newJob({ batch: parent, waitingFor: "x", task: "other" })],
  });
  await store.close();
  const db = openConnection(path);
  db.exec("PRAGMA foreign_keys = OFF");
  expect(verifyDatabase(db)).toEqual([]);
  for (const [sql, line] of damages) {
    db.exec("SAVEPOINT damage");
    db.exec(sql);
    expect(verifyDatabase(db).join("\n"), sql).toMatch(line);
    db.exec("ROLLBACK TO damage; RELEASE damage");
  }
  expect(verifyDatabase(db)).toEqual([]);
  db.close();
});

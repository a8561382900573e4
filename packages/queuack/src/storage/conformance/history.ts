import assert from "node:assert/strict";
import type { ProgressReport } from "../../core/claim.ts";
import { newId, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

const mishap = { name: "TypeError", message: "ü", stack: "TypeError: ü\n at x", code: "E_X" };

/** What is kept of the attempts of a job: errors, log lines, progress. */
export function history(suite: Suite): void {
  suite.test("a job without a past has none, nor has one that is not there", async (scene) => {
    const empty = { attempts: [], logs: [] };
    assert.deepEqual(await scene.store.jobs.history({ id: await scene.job() }), empty);
    assert.deepEqual(await scene.store.jobs.history({ id: newId() }), empty);
    assert.deepEqual(await scene.store.jobs.history({ id: "not a uuid" }), empty);
  });

  suite.test("failed attempts are kept over the generations, oldest first, with who and when", async (scene) => {
    const first = await scene.running({ maxAttempts: 2 });
    const startedAt = scene.clock.now();
    await scene.clock.advance(100);
    await scene.end(first, { to: "retryable", delayMs: 0, outcome: "failed", error: mishap });
    await scene.worker("w2");
    await scene.clock.advance(100);
    await scene.end(await scene.claimOne({ worker: "w2" }), {
      to: "discarded",
      outcome: "timed_out",
      error: someError,
    });
    await scene.store.jobs.change({ ids: [first.id], change: { kind: "retry" } });
    await scene.clock.advance(100);
    await scene.end(await scene.claimOne(), { to: "retryable", delayMs: 0, outcome: "crashed", error: someError });
    const { attempts } = await scene.store.jobs.history({ id: first.id });
    const at = (ms: number) => startedAt + ms;
    const [one, two] = [
      { generation: 1, error: someError },
      { generation: 2, error: someError },
    ];
    assert.deepEqual(plain(attempts), [
      { ...one, attempt: 1, outcome: "failed", error: mishap, worker: "w1", startedAt, finishedAt: at(100) },
      { ...one, attempt: 2, outcome: "timed_out", worker: "w2", startedAt: at(200), finishedAt: at(200) },
      { ...two, attempt: 1, outcome: "crashed", worker: "w1", startedAt: at(300), finishedAt: at(300) },
    ]);
  });

  suite.test("log lines keep their order, their attempt and their data", async (scene) => {
    const job = await scene.running();
    const data = '{"deep":["ü"]}';
    await report(scene, {
      token: job.token,
      logs: [
        { level: "info", message: "one", data },
        { level: "debug", message: "two", data: null },
      ],
    });
    await scene.clock.advance(5);
    await report(scene, { token: job.token, logs: [{ level: "warn", message: "three", data: null }] });
    await scene.end(job, { to: "retryable", delayMs: 0, outcome: "failed", error: someError });
    const again = await scene.claimOne();
    await report(scene, { token: again.token, logs: [{ level: "error", message: "four", data: null }] });
    const { logs } = await scene.store.jobs.history({ id: job.id });
    const at = scene.clock.now();
    assert.deepEqual(plain(logs), [
      { at: at - 5, level: "info", message: "one", data, attempt: 1 },
      { at: at - 5, level: "debug", message: "two", data: null, attempt: 1 },
      { at, level: "warn", message: "three", data: null, attempt: 1 },
      { at, level: "error", message: "four", data: null, attempt: 2 },
    ]);
  });

  suite.test("the last progress is the one that counts, and it outlives the attempt", async (scene) => {
    const job = await scene.running();
    await report(scene, { token: job.token, progress: "0.1" }, { token: job.token, progress: '{"step":2}' });
    assert.equal((await scene.get(job.id)).progress, '{"step":2}');
    await report(scene, { token: job.token });
    await report(scene, { token: job.token, logs: [{ level: "info", message: "x", data: null }] });
    assert.equal((await scene.get(job.id)).progress, '{"step":2}');
    await scene.end(job, { to: "completed", result: null });
    assert.equal((await scene.get(job.id)).progress, '{"step":2}');
  });

  suite.test("reports of many jobs at once: each is kept by its own, the lost are named", async (scene) => {
    await scene.worker();
    await scene.insert(...newJobs(50));
    const claimed = await scene.claim({ limit: 50 });
    const reports = claimed.map(({ token }, n) => ({ token, progress: String(n) }));
    const { lost } = await scene.store.jobs.report({ reports: [{ token: 7, progress: '"nobody"' }, ...reports] });
    assert.deepEqual(lost, [7]);
    const found = await scene.store.jobs.get({ ids: claimed.map(({ id }) => id) });
    assert.deepEqual(
      found.map((job) => job?.progress),
      claimed.map((_, n) => String(n)),
    );
    assert.deepEqual(await scene.store.jobs.report({ reports: [] }), { lost: [] });
  });

  suite.test("the past goes with its job", async (scene) => {
    const job = await scene.running({ idempotencyKey: "k" });
    const logs = [{ level: "info", message: "x", data: null }] as const;
    await report(scene, { token: job.token, progress: "1", logs });
    await scene.end(job, { to: "discarded", outcome: "failed", error: someError });
    assert.equal(await scene.store.jobs.remove({ filter: {}, limit: 10 }), 1);
    assert.deepEqual(await scene.store.jobs.history({ id: job.id }), { attempts: [], logs: [] });
    assert.deepEqual(await scene.states([job.id]), [null]);
  });
}

async function report(scene: Scene, ...reports: readonly ProgressReport[]): Promise<void> {
  assert.deepEqual(await scene.store.jobs.report({ reports }), { lost: [] });
}

/** Without what is `undefined`, which stored JSON does not know. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

import assert from "node:assert/strict";
import type { ChangeReply, JobChange } from "../../core/change.ts";
import type { JobState } from "../../core/job-state.ts";
import { ids, newId, newJob, newJobs, type Scene, someError } from "./scene.ts";
import type { Suite } from "./suite.ts";

/** Ways to bring a job into a state; each answers with its id. */
const standings = {
  available: (scene: Scene) => scene.job(),
  scheduled: (scene: Scene) => scene.job({ delayMs: 60_000 }),
  pending: (scene: Scene) => scene.job({ waitingFor: "approval" }),
  "held, ready": async (scene: Scene) => held(scene, await scene.job()),
  "held, scheduled": async (scene: Scene) => held(scene, await scene.job({ delayMs: 60_000 })),
  running: async (scene: Scene) => (await scene.running()).id,
  retryable: (scene: Scene) => ended(scene, { to: "retryable", delayMs: 60_000, outcome: "failed", error: someError }),
  completed: (scene: Scene) => ended(scene, { to: "completed", result: "1" }),
  discarded: (scene: Scene) => ended(scene, { to: "discarded", outcome: "failed", error: someError }),
  cancelled: (scene: Scene) => ended(scene, { to: "cancelled" }),
};

const changes = {
  cancel: { kind: "cancel" },
  retry: { kind: "retry" },
  hold: { kind: "hold" },
  release: { kind: "release" },
  later: { kind: "reschedule", delayMs: 5_000 },
  now: { kind: "reschedule", delayMs: 0 },
  prioritize: { kind: "prioritize", priority: 90 },
} satisfies Record<string, JobChange>;

/** The state that a change leads to, or the reply that says why it leads nowhere. */
type Cell = JobState | Extract<ChangeReply, "requested" | "unchanged">;

const no = "unchanged";
const off = "cancelled";
const ready = "available";

/** Every standing under every change. The states that only a graph brings about have no way here yet. */
// biome-ignore format: a table
const table: Record<keyof typeof standings, Record<keyof typeof changes, Cell>> = {
  available:         { cancel: off, retry: no, hold: "pending", release: no, later: "scheduled", now: ready, prioritize: ready },
  scheduled:         { cancel: off, retry: no, hold: "pending", release: no, later: "scheduled", now: ready, prioritize: "scheduled" },
  pending:           { cancel: off, retry: no, hold: no, release: no, later: "pending", now: "pending", prioritize: "pending" },
  "held, ready":     { cancel: off, retry: no, hold: no, release: ready, later: "pending", now: "pending", prioritize: "pending" },
  "held, scheduled": { cancel: off, retry: no, hold: no, release: "scheduled", later: "pending", now: "pending", prioritize: "pending" },
  running:           { cancel: "requested", retry: no, hold: no, release: no, later: no, now: no, prioritize: no },
  retryable:         { cancel: off, retry: ready, hold: "pending", release: no, later: "retryable", now: ready, prioritize: "retryable" },
  completed:         { cancel: no, retry: no, hold: no, release: no, later: no, now: no, prioritize: no },
  discarded:         { cancel: no, retry: ready, hold: no, release: no, later: no, now: no, prioritize: no },
  cancelled:         { cancel: no, retry: ready, hold: no, release: no, later: no, now: no, prioritize: no },
};

/** What an operator or a user can do to jobs that exist. */
export function changing(suite: Suite): void {
  for (const [standing, row] of Object.entries(table)) {
    suite.test(
      `${standing}: ${Object.entries(row)
        .map(([change, cell]) => `${change} → ${cell}`)
        .join(", ")}`,
      async (scene) => {
        for (const [change, cell] of Object.entries(row)) {
          const id = await standings[standing as keyof typeof standings](scene);
          const before = await scene.get(id);
          const [reply] = await scene.store.jobs.change({ ids: [id], change: changes[change as keyof typeof changes] });
          const after = await scene.get(id);
          const leads = cell !== "unchanged" && cell !== "requested";
          assert.equal(reply, leads ? "changed" : cell, change);
          assert.equal(after.state, leads ? cell : before.state, change);
          if (cell === "unchanged") assert.deepEqual(after, before, change);
          if (leads && change === "later") assert.equal(after.runAt, scene.clock.now() + 5_000);
          if (leads && change === "prioritize") assert.equal(after.priority, 90);
          // Out of the way of the next one's claim.
          await scene.store.jobs.change({ ids: [id], change: { kind: "cancel" } });
        }
      },
    );
  }

  suite.test("every id is answered in its place, unknown ones too", async (scene) => {
    const jobs = newJobs(150);
    await scene.insert(...jobs);
    const asked = [newId(), ...ids(jobs), "not a uuid", jobs[0]?.id as string];
    const replies = await scene.store.jobs.change({ ids: asked, change: { kind: "cancel" } });
    assert.deepEqual(replies, ["missing", ...jobs.map(() => "changed"), "missing", "unchanged"]);
    assert.deepEqual(await scene.store.jobs.change({ ids: [], change: { kind: "cancel" } }), []);
  });

  suite.test("a job that is cancelled while it waits says when, and that nobody started it", async (scene) => {
    const id = await scene.job();
    await scene.clock.advance(50);
    await scene.store.jobs.change({ ids: [id], change: { kind: "cancel" } });
    const { outcome, finishedAt, startedAt, attempt, worker } = await scene.get(id);
    assert.deepEqual(
      [outcome, finishedAt, startedAt, attempt, worker],
      ["cancelled", scene.clock.now(), null, 0, null],
    );
  });

  suite.test("a retry of a final job starts a new generation with all its attempts", async (scene) => {
    const id = await standings.discarded(scene);
    await scene.clock.advance(10);
    await scene.store.jobs.change({ ids: [id], change: { kind: "retry" } });
    const { generation, attempt, outcome, error, finishedAt, runAt } = await scene.get(id);
    assert.deepEqual([generation, attempt, outcome, error, finishedAt], [2, 0, null, null, null]);
    assert.equal(runAt, scene.clock.now());
    const job = await scene.claimOne();
    assert.deepEqual([job.id, job.attempt, job.generation], [id, 1, 2]);
    await scene.end(job, { to: "completed", result: "2" });
    assert.equal((await scene.get(id)).result, "2");
  });

  suite.test("a held job is released to where its time puts it", async (scene) => {
    const scheduled = await held(scene, await scene.job({ delayMs: 1_000 }));
    const retryable = await held(scene, await standings.retryable(scene));
    const moved = await held(scene, await scene.job());
    await scene.store.jobs.change({ ids: [moved], change: { kind: "reschedule", runAt: scene.clock.now() + 90_000 } });
    await scene.clock.advance(1_000);
    assert.equal(await scene.promote(), 0, "what is held is not due");
    const all = [scheduled, retryable, moved];
    assert.deepEqual(await scene.store.jobs.change({ ids: all, change: { kind: "release" } }), [
      "changed",
      "changed",
      "changed",
    ]);
    assert.deepEqual(await scene.states(all), ["available", "retryable", "scheduled"]);
    assert.deepEqual((await scene.get(moved)).waitingFor, null);
  });

  suite.test("a new priority counts from the next claim on, a new time as well", async (scene) => {
    await scene.worker();
    const [first, second, third] = newJobs(3);
    assert.ok(first && second && third);
    await scene.insert(first, second, third, newJob({ delayMs: 5_000, priority: 100 }));
    await scene.store.jobs.change({ ids: [third.id], change: { kind: "prioritize", priority: 51 } });
    await scene.store.jobs.change({ ids: [first.id], change: { kind: "prioritize", priority: 0 } });
    assert.deepEqual(ids(await scene.claim()), ids([third, second, first]));
    assert.equal((await scene.store.jobs.promote({ limit: 1 })).nextInMs, 5_000);
  });
}

async function held(scene: Scene, id: string): Promise<string> {
  assert.deepEqual(await scene.store.jobs.change({ ids: [id], change: { kind: "hold" } }), ["changed"]);
  assert.equal((await scene.get(id)).state, "pending");
  assert.ok((await scene.get(id)).waitingFor, "a held job says that it is held");
  return id;
}

async function ended(scene: Scene, ending: Parameters<Scene["end"]>[1]): Promise<string> {
  const job = await scene.running();
  await scene.end(job, ending);
  return job.id;
}

import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { RunningJob } from "../core/task.ts";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { untilAborted } from "../worker/fixtures/test-house.ts";
import { connect } from "./connect.ts";
import { temporaryFolder } from "./fixtures/temporary-folder.ts";
import type { Queue } from "./queue.ts";

const nobody = "0190b2f4-8f3e-7c3a-9d2b-5b1f4d6e7a80";
const mine = "0190b2f4-8f3e-7c3a-9d2b-5b1f4d6e7a81";
const fragile = task({
  name: "fragile",
  input: z.object({ ok: z.boolean() }),
  retry: { maxAttempts: 1 },
  run: ({ input }) => {
    if (!input.ok) throw new Error("no");
    return "ok";
  },
});
const patient = task({ name: "patient", run: ({ signal }) => untilAborted(signal) });
const told: RunningJob[] = [];
const tell = task({ name: "tell", input: z.string(), run: ({ job }) => void told.push(job) });

let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  told.length = 0;
  clock = new FakeClock();
  q = await connect(":memory:", { clock, tasks: [fragile, patient, tell] });
});
afterEach(() => q.close());

const work = async () => {
  await q.worker().start();
  await clock.advance(0);
};
const waiting = async () => (await q.queues.get("default"))?.waiting ?? 0;
const good = (n: number) => Array.from({ length: n }, () => ({ ok: true }));

describe("a batch", () => {
  test("runs to its end, is waited for, and has both jobs follow that know it", async () => {
    const batch = await q.batch(
      "import",
      { task: fragile, inputs: good(3), options: { priority: "high", tags: ["t"] } },
      { onComplete: [tell, "over"], onSuccess: [tell, "well", { priority: 1 }], tags: ["b"], metadata: { m: 1 } },
    );
    expect(await batch.get()).toMatchObject({ name: "import", total: 3, open: 3, progress: 0, completedAt: null });
    const over = batch.wait({ timeout: "1h" });
    await work();
    const view = await over;
    expect(view).toMatchObject({
      id: batch.id,
      completed: 3,
      failed: 0,
      open: 0,
      progress: 1,
      parent: null,
      children: [],
    });
    expect(view).toMatchObject({ completedAt: new Date(clock.now()), succeededAt: new Date(clock.now()), tags: ["b"] });
    expect(await batch.wait()).toEqual(view);
    const followed = [view.onComplete, view.onSuccess] as string[];
    for (const id of followed) await q.job(id).result();
    expect(told.map(({ id, batch, callbackOf }) => [id, batch, callbackOf])).toEqual(
      followed.map((id) => [id, null, batch.id]),
    );
    const { items } = await q.jobs.list({ batches: [batch.id] });
    expect(items.map(({ batch, priority, tags }) => [batch, priority, tags])).toEqual(
      items.map(() => [batch.id, 75, ["t"]]),
    );
    expect(items).toHaveLength(3);
  });

  test("of a mixed list, with failures: progress counts them, and success follows a retry", async () => {
    const batch = await q.batch(
      "mixed",
      [[fragile, { ok: true }], [fragile, { ok: false }, { queue: "default" }], ["nobody's"]],
      { onComplete: [tell, "over"], onSuccess: [tell, "well"] },
    );
    await work();
    expect(await batch.get()).toMatchObject({ total: 3, open: 1, completed: 1, failed: 1, progress: 2 / 3 });
    await q.jobs.cancel({ batches: [batch.id], tasks: ["nobody's"] });
    await clock.advance(0);
    expect(await batch.wait()).toMatchObject({ open: 0, completed: 1, failed: 2, succeededAt: null });
    expect(told).toHaveLength(1);
    expect(await q.jobs.delete({ batches: [batch.id], states: ["cancelled"] })).toBe(1);
    expect(await batch.get()).toMatchObject({ total: 3, failed: 2 });
  });

  test("of nothing is over at once", async () => {
    const batch = await q.batch("none", [], { onSuccess: ["elsewhere", { any: 1 }] });
    const { onSuccess, progress } = await batch.wait();
    expect(progress).toBe(1);
    expect(await q.jobs.get(onSuccess as string)).toMatchObject({ task: "elsewhere", input: { any: 1 } });
    expect((await q.batch("open", { task: "elsewhere", inputs: [1] })).id).not.toBe(batch.id);
  });

  test("takes more from its own jobs, and from outside, until it is finished", async () => {
    const grow = q.task<{ left: number }>("grow", async ({ input, job, enqueue }) => {
      if (input.left > 0) await enqueue("grow", { left: input.left - 1 }, { batch: job.batch as string });
    });
    const batch = await q.batch("growing", [[grow, { left: 3 }]], { onComplete: [tell, "over"] });
    const [added] = await batch.add({ task: fragile, inputs: good(1) });
    expect(await added?.get()).toMatchObject({ batch: batch.id });
    await batch.add([[fragile, { ok: true }]]);
    await work();
    expect(await batch.wait()).toMatchObject({ total: 6, completed: 6 });
    expect(told).toHaveLength(1);
    const late = { code: "QUEUACK_BATCH_FINISHED", details: { id: batch.id } };
    await expect(batch.add([[tell, "x"]])).rejects.toMatchObject(late);
    await expect(q.enqueue(tell, "x", { batch })).rejects.toMatchObject(late);
    await expect(q.batch("child", [], { parent: batch })).rejects.toMatchObject({ code: "QUEUACK_BATCH_FINISHED" });
    expect(await waiting()).toBe(0);
  });

  test("is a member of its parent", async () => {
    const parent = await q.batch("parent", [[fragile, { ok: true }]], { onSuccess: [tell, "all"] });
    const child = await q.batch("child", { task: fragile, inputs: good(2) }, { parent, onSuccess: [tell, "part"] });
    expect(await child.get()).toMatchObject({ parent: parent.id });
    expect(await parent.get()).toMatchObject({ children: [child.id], total: 2, open: 2 });
    await work();
    expect(await parent.wait()).toMatchObject({ completed: 2, open: 0 });
    expect(told).toHaveLength(2);
  });

  test("is cancelled with all that is open, in its batches too", async () => {
    const parent = await q.batch(
      "parent",
      [
        [patient, undefined],
        ["elsewhere", 1, { delay: "1h" }],
      ],
      {
        onComplete: [tell, "over"],
        onSuccess: [tell, "well"],
      },
    );
    const child = await q.batch("child", { task: patient, inputs: [1, 2] }, { parent: parent.id });
    const other = await q.batch("other", [["elsewhere"]]);
    await work();
    expect(await parent.cancel()).toBe(4);
    expect(await parent.wait()).toMatchObject({ failed: 3, open: 0, cancelledAt: new Date(clock.now()) });
    expect(await child.get()).toMatchObject({ failed: 2, open: 0 });
    expect(await other.get()).toMatchObject({ open: 1, cancelledAt: null });
    await clock.advance(0);
    expect(told).toHaveLength(1);
    expect(await parent.cancel()).toBe(0);
  });

  test("is not there: told so by every question", async () => {
    const batch = q.batches.of(nobody);
    const unknown = { code: "QUEUACK_UNKNOWN_BATCH" };
    await expect(batch.get()).rejects.toMatchObject(unknown);
    await expect(batch.wait()).rejects.toMatchObject(unknown);
    await expect(batch.cancel()).rejects.toMatchObject(unknown);
    await expect(batch.add([["elsewhere"]])).rejects.toMatchObject(unknown);
    await expect(q.enqueue("elsewhere", 1, { batch: nobody })).rejects.toMatchObject(unknown);
    expect(await q.batches.get(nobody)).toBeNull();
  });

  test("is waited for no longer than asked", async () => {
    const batch = await q.batch("slow", [["elsewhere"]]);
    const late = { code: "QUEUACK_RESULT_TIMEOUT", details: { id: batch.id } };
    const over = expect(batch.wait({ timeout: "2s" })).rejects.toMatchObject(late);
    await clock.advance(2_000);
    await over;
  });
});

describe("a submission", () => {
  test("with an id of its own may be repeated: nothing is made twice", async () => {
    const submit = () =>
      q.batch(
        "again",
        [
          [fragile, { ok: true }],
          ["elsewhere", 1],
        ],
        { id: mine, onComplete: [tell, "over"] },
      );
    const first = await submit();
    await submit();
    await q.batch("again", { task: "elsewhere", inputs: [1, 2] }, { id: mine });
    expect(first.id).toBe(mine);
    expect(await first.get()).toMatchObject({ total: 2, name: "again" });
    expect(await waiting()).toBe(2);
  });

  test("goes in chunks, in which the batch stays open, and tells how far it is", async () => {
    const seen: (readonly [number, number])[] = [];
    const batch = await q.batch(
      "large",
      { task: "elsewhere", inputs: Array.from({ length: 20_001 }, (_, n) => n) },
      { onProgress: (...progress) => void seen.push(progress) },
    );
    expect(seen).toEqual([...Array.from({ length: 10 }, (_, n) => (n + 1) * 2_000), 20_001].map((n) => [n, 20_001]));
    expect(await batch.get()).toMatchObject({ total: 20_001, open: 20_001, sealed: true });
  });

  test("that a full queue stops halfway says what is in, and can be ended by another", async () => {
    await q.queues.configure("default", { backpressure: { limit: 15_000, onLimit: "refuse" } });
    const jobs = { task: "elsewhere", inputs: Array.from({ length: 20_000 }, (_, n) => n) };
    const submit = () => q.batch("large", jobs, { id: mine });
    await expect(submit()).rejects.toMatchObject({
      code: "QUEUACK_QUEUE_FULL",
      details: { batch: mine, accepted: 14_000 },
    });
    expect(await q.batches.of(mine).get()).toMatchObject({ total: 14_000, sealed: false });
    await q.queues.configure("default", { backpressure: null });
    await submit();
    expect(await q.batches.of(mine).get()).toMatchObject({ total: 20_000, sealed: true });
  });

  test("refuses what it can't mean, and nothing of it is in", async () => {
    const invalid = { code: "QUEUACK_INVALID_OPTION" };
    const other = await q.batch("other", [["elsewhere"]]);
    const line = ["elsewhere"] as const;
    const wrong: (() => Promise<unknown>)[] = [
      () => q.batch("", []),
      () => q.batch("x", 5 as never),
      () => q.batch("x", { task: "elsewhere", inputs: 5 as never }),
      () => q.batch("x", { task: "elsewhere", inputs: [1], more: 1 } as never),
      () => q.batch("x", { task: "elsewhere", inputs: [1], options: { id: nobody } as never }),
      () => q.batch("x", { task: "elsewhere", inputs: [1], options: { batch: other.id } as never }),
      () => q.batch("x", [["elsewhere", 1, { batch: other.id }]]),
      () => q.batch("x", [["elsewhere", 1, { tenant: "acme" }]]),
      () => other.add([["elsewhere", 1, { batch: nobody }]]),
      () => q.batch("x", [line], { parent: "none" }),
      () => q.batch("x", [line], { id: "none" }),
      () => q.batch("x", [line], { onProgress: 5 as never }),
      () => q.batch("x", [line], { metadata: [] as never }),
      () => q.batch("x", [line], { tags: "t" as never }),
      () => q.batch("x", [line], { more: 1 } as never),
      () => q.batch("x", [line], { onComplete: "tell" as never }),
      () => q.batch("x", [line], { onComplete: ["tell", 1, { id: mine } as never] }),
      () => q.batch("x", [line], { onSuccess: ["tell", 1, { unique: true } as never] }),
      () => q.enqueue("elsewhere", 1, { batch: "none" }),
      () => q.batches.list({ open: 1 as never }),
      () => q.batches.list({ more: 1 } as never),
      () => q.batches.list({}, { limit: 0 }),
    ];
    for (const call of wrong) await expect(call(), call.toString()).rejects.toMatchObject(invalid);
    const bad = { code: "QUEUACK_INVALID_INPUT" };
    await expect(q.batch("x", [[tell, 5]])).rejects.toMatchObject(bad);
    await expect(q.batch("x", [line], { onComplete: [tell, 5 as never] })).rejects.toMatchObject(bad);
    expect((await q.batches.list()).items).toHaveLength(1);
    expect(await waiting()).toBe(1);
  });

  test("of another tenant stays there, and its callbacks too", async () => {
    const batch = await q.batch("x", [["elsewhere"]], { tenant: "acme", onComplete: ["elsewhere"] });
    await batch.add([["elsewhere"]]);
    await batch.cancel();
    const { items } = await q.jobs.list({ tenant: "acme" });
    expect(items.map(({ state }) => state)).toEqual(["available", "cancelled", "cancelled"]);
    await expect(q.enqueue("elsewhere", 1, { batch })).rejects.toMatchObject({ code: "QUEUACK_UNKNOWN_BATCH" });
    expect((await q.batches.list()).items).toEqual([]);
    expect((await q.batches.list({ tenant: "acme", names: ["x"] })).items).toHaveLength(1);
  });

  test("has callbacks whatever their task's uniqueness says", async () => {
    const lone = task({ name: "lone", unique: true, run: () => true });
    await q.enqueue(lone, undefined);
    const batch = await q.batch("x", [], { onComplete: [lone], onSuccess: [lone] });
    const { onComplete, onSuccess } = await batch.get();
    expect(new Set([onComplete, onSuccess]).size).toBe(2);
    expect(await waiting()).toBe(3);
  });
});

test("ends are told as events, after those of the last member", async () => {
  const names: string[] = [];
  q.broker.subscribe({}, ({ name }) => names.push(name));
  const batch = await q.batch("x", [[fragile, { ok: true }]], { onSuccess: ["elsewhere"] });
  const ended: unknown[] = [];
  q.broker.subscribe({ ids: [batch.id] }, (event) => ended.push(event));
  await work();
  await batch.wait();
  const from = names.indexOf("job:completed");
  expect(names.slice(from)).toEqual(["job:completed", "batch:completed", "batch:succeeded", "job:enqueued"]);
  const facts = { id: batch.id, tenant: "default", batch: "x", total: 1, failed: 0, at: clock.now() };
  expect(ended).toEqual([
    { name: "batch:completed", ...facts },
    { name: "batch:succeeded", ...facts },
  ]);
});

test("lists page by page, and only what is open", async () => {
  for (const name of ["a", "b", "c"]) await q.batch(name, [["elsewhere"]]);
  await q.batch("done", []);
  const first = await q.batches.list({ open: true }, { limit: 2 });
  const second = await q.batches.list({ open: true }, { limit: 2, cursor: first.cursor });
  expect([...first.items, ...second.items].map(({ name }) => name)).toEqual(["c", "b", "a"]);
  expect((await q.batches.list({ open: false })).items.map(({ name }) => name)).toEqual(["done"]);
});

test("a batch is waited for across connections, and its callbacks are run there", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  const here = await connect(path);
  const there = await connect(path, { tasks: [fragile, tell], workers: 1 });
  try {
    const batch = await here.batch("x", { task: fragile, inputs: good(5) }, { onSuccess: [tell, "well"] });
    const { onSuccess } = await batch.wait({ timeout: "20s" });
    await here.job(onSuccess as string).result({ timeout: "20s" });
    expect(told).toHaveLength(1);
  } finally {
    await here.close();
    await there.close();
  }
});

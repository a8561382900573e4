import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { Gate } from "../worker/fixtures/test-house.ts";
import { connect } from "./connect.ts";
import type { LimitOptions } from "./limits.ts";
import type { Queue } from "./queue.ts";

/** What started, in order, and the gates that hold each where it waits. */
let started: string[];
let gates: Map<string, Gate>;
const hold = task({
  name: "hold",
  run: async ({ input }: { input: string }) => {
    started.push(input);
    const gate = new Gate();
    gates.set(input, gate);
    await gate.passed;
  },
});

let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  started = [];
  gates = new Map();
  clock = new FakeClock();
  q = await connect(":memory:", { clock, tasks: [hold] });
});
afterEach(async () => {
  const open = setInterval(() => {
    for (const gate of gates.values()) gate.open();
  }, 1);
  await q.close();
  clearInterval(open);
});

async function work(): Promise<void> {
  const worker = q.worker({ concurrency: 5 });
  await worker.start();
  await rest();
}

/** Lets everything come to rest, without any time passing: what happens then was signalled, not polled. */
const rest = () => clock.advance(0);

async function end(name: string): Promise<void> {
  (gates.get(name) as Gate).open();
  await rest();
}

describe("a job that a limit kept waiting starts", () => {
  test("when another ends", async () => {
    await q.limits.set({ task: "hold" }, { concurrency: 1 });
    await q.enqueueMany(hold, ["a", "b", "c"]);
    await work();
    expect(started).toEqual(["a"]);
    await end("a");
    expect(started).toEqual(["a", "b"]);
    await end("b");
    expect(started).toEqual(["a", "b", "c"]);
  });

  test("when one of its group ends, also where claims in between had passed its group by", async () => {
    await q.limits.set({ group: "*" }, { concurrency: 1 });
    await q.enqueueMany(hold, ["a1", "a2"], { group: "a" });
    await work();
    for (const name of ["x", "y"]) {
      await q.enqueue(hold, name);
      await rest();
      await end(name);
    }
    expect(started).toEqual(["a1", "x", "y"]);
    await end("a1");
    expect(started).toEqual(["a1", "x", "y", "a2"]);
  });

  test("when its rate has room again, and not before", async () => {
    await q.limits.set({ queue: "default" }, { rate: { limit: 2, per: "250ms" } });
    await q.enqueueMany(hold, ["a", "b", "c"]);
    await work();
    for (const name of ["a", "b"]) await end(name);
    await clock.advance(249);
    expect(started).toEqual(["a", "b"]);
    // Long before a worker would look for itself.
    await clock.advance(1);
    await rest();
    expect(started).toEqual(["a", "b", "c"]);
  });

  test("when the rate of its group has room again", async () => {
    await q.limits.set({ group: "*" }, { rate: { limit: 1, per: "250ms" } });
    await q.enqueueMany(hold, ["a1", "a2"], { group: "a" });
    await q.enqueue(hold, "b1", { group: "b" });
    await work();
    expect(started.sort()).toEqual(["a1", "b1"]);
    await clock.advance(250);
    await rest();
    expect(started).toEqual(["a1", "b1", "a2"]);
  });

  test("when the limit is raised, and when it is taken away; nothing that runs is stopped when it falls", async () => {
    await q.limits.set({ task: "hold" }, { concurrency: 0 });
    await q.enqueueMany(hold, ["a", "b", "c", "d"]);
    await work();
    expect(started).toEqual([]);
    await q.limits.set({ task: "hold" }, { concurrency: 2 });
    await rest();
    expect(started).toEqual(["a", "b"]);
    await q.limits.set({ task: "hold" }, { concurrency: 1 });
    await end("a");
    expect(started).toEqual(["a", "b"]);
    await q.limits.remove({ task: "hold" });
    await rest();
    expect(started).toEqual(["a", "b", "c", "d"]);
  });
});

test("a limit costs no attempt", async () => {
  await q.limits.set({}, { concurrency: 1 });
  const [, second] = await q.enqueueMany(hold, ["a", "b"]);
  await work();
  await clock.advance("10s");
  await end("a");
  expect(await second?.get()).toMatchObject({ state: "running", attempt: 1 });
});

test("list says what is set and what is used of it, by group where each counts by itself", async () => {
  await q.limits.set({ group: "*" }, { concurrency: 3, rate: { limit: 9, per: "1m" } });
  await q.limits.set({ queue: "default", group: "big" }, { weight: 2 });
  await q.enqueueMany(hold, ["a", "b"], { group: "small" });
  await work();
  expect(await q.limits.list()).toEqual([
    expect.objectContaining({
      scope: { queue: undefined, task: undefined, group: "*" },
      group: "small",
      concurrency: 3,
      rate: { limit: 9, periodMs: 60_000 },
      running: 2,
      started: 2,
    }),
    expect.objectContaining({
      scope: { queue: "default", task: undefined, group: "big" },
      group: null,
      weight: 2,
      running: 0,
    }),
  ]);
});

test("explain names the limit, the pause, the missing worker", async () => {
  await q.limits.set({ task: "hold" }, { concurrency: 1 });
  await work();
  const [, second] = await q.enqueueMany(hold, ["a", "b"]);
  await rest();
  const { obstacles } = await q.explain(second?.id as string);
  expect(obstacles).toMatchObject([{ kind: "limit", scope: { task: "hold" }, by: "concurrency", until: null }]);
  await q.queues.pause("default");
  const elsewhere = await q.enqueue("unknown", {});
  expect((await q.explain(elsewhere.id)).obstacles.map(({ kind }) => kind)).toEqual(["paused", "no_handler"]);
  await expect(q.explain("01900000-0000-7000-8000-000000000009")).rejects.toMatchObject({
    code: "QUEUACK_UNKNOWN_JOB",
  });
});

describe("what makes no sense is refused, and changes nothing", () => {
  const limits: [string, object, LimitOptions | object, string][] = [
    ["nothing", {}, {}, "A limit says nothing."],
    ["an unknown part", {}, { concurency: 1 }, "concurency"],
    ["half a job", {}, { concurrency: 1.5 }, "concurrency is 1.5"],
    ["less than none", {}, { concurrency: -1 }, "concurrency is -1"],
    ["a rate of none", {}, { rate: { limit: 0, per: "1s" } }, "rate.limit is 0"],
    ["a rate without a period", {}, { rate: { limit: 1 } }, "rate.per"],
    ["a rate within no time", {}, { rate: { limit: 1, per: 0 } }, "rate.per"],
    ["an unknown part of a rate", {}, { rate: { limit: 1, per: "1s", burst: 2 } }, "burst"],
    ["a weight of nothing", { group: "a" }, { weight: 0 }, "weight is 0"],
    ["a weight of a task", { task: "hold" }, { weight: 2 }, "without a group"],
    ["an unknown scope", { worker: "w" }, { concurrency: 1 }, "worker"],
    ["a group without a name", { group: "" }, { concurrency: 1 }, "group"],
  ];
  test.each(limits)("%s", async (_, scope, limit, message) => {
    await expect(q.limits.set(scope, limit as LimitOptions)).rejects.toMatchObject({
      code: expect.stringMatching(/^QUEUACK_INVALID_(OPTION|DURATION)$/),
      message: expect.stringContaining(message),
    });
    expect(await q.limits.list()).toEqual([]);
  });

  test("a task's name that could not be one", async () => {
    await expect(q.limits.set({ task: "" }, { concurrency: 1 })).rejects.toMatchObject({
      code: "QUEUACK_INVALID_TASK",
    });
  });

  test("a job's group that stands for all of them", async () => {
    for (const group of ["*", "", "x".repeat(201)]) {
      await expect(q.enqueue(hold, "a", { group })).rejects.toMatchObject({ code: "QUEUACK_INVALID_OPTION" });
    }
    expect(await q.stats()).toEqual([]);
  });
});

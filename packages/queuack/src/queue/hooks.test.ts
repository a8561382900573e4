import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { Gate } from "../worker/fixtures/test-house.ts";
import { connect } from "./connect.ts";
import type { Hooks } from "./hooks.ts";
import type { Queue } from "./queue.ts";

const double = task({ name: "double", codec: "structured", run: ({ input }: { input: bigint }) => input * 2n });
const broken = task({
  name: "broken",
  retry: { maxAttempts: 2, backoff: "fixed", delay: "1s", jitter: "none" },
  run: ({ attempt }) => {
    throw new TypeError(`boom ${attempt}`);
  },
});
const refused = task({ name: "refused", run: ({ discard }) => discard("no such customer") });

let clock: FakeClock;
let q: Queue;
let errors: unknown[];
let told: [string, Record<string, unknown>][];
beforeEach(async () => {
  clock = new FakeClock();
  errors = [];
  told = [];
  const onError = (error: unknown) => errors.push(error);
  q = await connect(":memory:", { clock, onError, tasks: [double, broken, refused], workers: 1 });
});
afterEach(() => q.close());

const tells = (...names: (keyof Hooks)[]): Hooks =>
  Object.fromEntries(names.map((name) => [name, (facts: Record<string, unknown>) => void told.push([name, facts])]));
const all = () => q.hooks(tells("onStart", "onSuccess", "onFailure", "onDead"));

describe("hooks tell of", () => {
  test("the start and the success of a job, with its result", async () => {
    all();
    const job = await q.enqueue(double, 21n);
    await job.result();
    const facts = { id: job.id, tenant: "default", queue: "default", task: "double", attempt: 1, at: expect.any(Date) };
    expect(told).toMatchObject([
      ["onStart", { ...facts, worker: expect.any(String) }],
      ["onSuccess", { ...facts, durationMs: 0, result: 42n }],
    ]);
  });

  test("every failed attempt, and the death after the last", async () => {
    all();
    const job = await q.enqueue(broken, undefined);
    await clock.advance("2s");
    const failed = { id: job.id, outcome: "failed", durationMs: 0 };
    expect(told.filter(([name]) => name !== "onStart")).toMatchObject([
      ["onFailure", { ...failed, attempt: 1, error: { name: "TypeError", message: "boom 1" }, retryInMs: 1_000 }],
      ["onFailure", { ...failed, attempt: 2, error: { message: "boom 2" }, retryInMs: null }],
      ["onDead", { ...failed, attempt: 2, error: { message: "boom 2" } }],
    ]);
  });

  test("a job that its handler discards, and one that expires, as dead and not as failed", async () => {
    all();
    await q.enqueue(refused, undefined);
    await clock.advance(0);
    const expired = await q.enqueue("nobody", 1, { expiresIn: "5s" });
    await clock.advance("10s");
    expect(told.filter(([name]) => name !== "onStart")).toMatchObject([
      ["onDead", { task: "refused", outcome: "discarded", durationMs: 0, error: { message: "no such customer" } }],
      ["onDead", { id: expired.id, attempt: 0, outcome: "expired", durationMs: null }],
    ]);
  });

  test("a job whose worker died", async () => {
    q.hooks(tells("onFailure", "onDead"));
    const job = await q.enqueue("orphan", 1, { maxAttempts: 1 });
    const worker = { id: "w1", host: "here", pid: 1, tasks: ["orphan"], queues: ["default"], concurrency: 1 };
    await q.broker.registerWorker({ worker });
    const [claimed] = await q.broker.claim({
      worker: "w1",
      tasks: ["orphan"],
      queues: [{ queue: "default", quota: 1 }],
      limit: 1,
      leaseMs: 1_000,
    });
    expect(claimed?.id).toBe(job.id);
    await clock.advance("5s");
    expect(told).toMatchObject([
      ["onFailure", { id: job.id, outcome: "crashed", retryInMs: null }],
      ["onDead", { id: job.id, outcome: "crashed", error: { code: "QUEUACK_WORKER_LOST" } }],
    ]);
  });

  test("what is committed: the job is in its state by then", async () => {
    const states: Promise<unknown>[] = [];
    const look = ({ id }: { id: string }) => void states.push(q.jobs.get(id).then((job) => job?.state));
    q.hooks({ onSuccess: look, onFailure: look, onDead: look });
    await (await q.enqueue(double, 1n)).result();
    await q.enqueue(broken, undefined);
    await clock.advance("2s");
    expect(await Promise.all(states)).toEqual(["completed", "retryable", "discarded", "discarded"]);
  });
});

describe("a hook", () => {
  test("harms nothing: what it throws or rejects with goes to onError", async () => {
    q.hooks({
      onStart: () => {
        throw new Error("start");
      },
      onSuccess: async () => {
        throw new Error("success");
      },
    });
    all();
    expect(await (await q.enqueue(double, 2n)).result()).toBe(4n);
    await clock.advance(0);
    expect(errors).toMatchObject([{ message: "start" }, { message: "success" }]);
    expect(told.map(([name]) => name)).toEqual(["onStart", "onSuccess"]);
  });

  test("is not waited for by jobs, but by close()", async () => {
    const gate = new Gate();
    let ended = false;
    q.hooks({
      onSuccess: async () => {
        await gate.passed;
        await q.enqueue("follow-up", 1);
        ended = true;
      },
    });
    expect(await (await q.enqueue(double, 1n)).result()).toBe(2n);
    let isClosed = false;
    const closed = q.close().then(() => {
      isClosed = true;
    });
    await clock.advance("4s");
    expect([isClosed, ended]).toEqual([false, false]);
    gate.open();
    await closed;
    expect([ended, errors]).toEqual([true, []]);
  });

  test("that hangs holds close() up for five seconds at most", async () => {
    q.hooks({ onSuccess: () => new Promise(() => undefined) });
    await (await q.enqueue(double, 1n)).result();
    const closed = q.close();
    await clock.advance("5s");
    await closed;
  });

  test("is stopped by what hooks() returned", async () => {
    const stop = all();
    stop();
    await (await q.enqueue(double, 1n)).result();
    expect(told).toEqual([]);
  });

  test("that reads a result which this process can't read throws, which goes to onError", async () => {
    const odd = task({
      name: "odd",
      codec: {
        name: "odd",
        encode: () => "x",
        decode: () => {
          throw new Error("one way");
        },
      },
      run: () => 1,
    });
    await q.worker({ tasks: [odd] }).start();
    q.hooks({ onSuccess: ({ result }) => void told.push(["onSuccess", { result }]) });
    await q.enqueue("odd", undefined);
    await clock.advance(0);
    expect(errors).toMatchObject([{ code: "QUEUACK_CODEC_FAILED", details: { codec: "odd" } }]);
    expect(told).toEqual([]);
  });
});

test.each<[unknown, RegExp]>([
  [5, /^Hooks is 5/],
  [{ onEnd: () => 1 }, /^Hooks knows no option "onEnd"/],
  [{ onStart: "yes" }, /^onStart is "yes"/],
])("hooks(%j) is refused", (hooks, message) => {
  expect(() => q.hooks(hooks as never)).toThrow(message);
});

test("connect() takes hooks; none at all is fine", async () => {
  const other = await connect(":memory:", { tasks: [double], workers: 1, hooks: tells("onSuccess") });
  await (await other.enqueue(double, 3n)).result();
  expect(told).toMatchObject([["onSuccess", { result: 6n }]]);
  other.hooks({})();
  await other.close();
});

import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import type { QueuackError } from "../core/errors.ts";
import type { AcceptedSubmission } from "../core/middleware.ts";
import { type TaskContext, task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { connect } from "./connect.ts";
import type { Queue } from "./queue.ts";

const double = task({ name: "double", input: z.object({ n: z.number() }), run: ({ input }) => input.n * 2 });
const slow = task({ name: "slow", input: z.string().refine(async (text) => text !== ""), run: ({ input }) => input });

let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  clock = new FakeClock();
  q = await connect(":memory:", { clock, tasks: [double, slow], retry: { maxAttempts: 1 } });
});
afterEach(() => q.close());

const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("it should have failed"),
    (error: QueuackError) => error,
  );
const count = async () => (await q.jobs.list()).items.length;
/** An onion that writes down when it goes in and comes out. */
const diary: string[] = [];
beforeEach(() => {
  diary.length = 0;
});

describe("around enqueueing", () => {
  test("the first added is outermost; next resolves after the commit", async () => {
    for (const name of ["a", "b"]) {
      q.use({
        enqueue: async ({ task, input }, next) => {
          diary.push(`${name} in ${task} ${JSON.stringify(input)}`);
          const { id, duplicate } = await next();
          diary.push(`${name} out ${(await q.jobs.get(id))?.state} ${duplicate}`);
        },
      });
    }
    await q.enqueue(double, { n: 1 });
    expect(diary).toEqual([
      'a in double {"n":1}',
      'b in double {"n":1}',
      "b out available false",
      "a out available false",
    ]);
  });

  test("may change input and options, before they are checked", async () => {
    q.use({
      enqueue: async ({ input, options }, next) => {
        await next({
          input: { n: (input as { n: number }).n + 1 },
          options: { ...options, metadata: { ...options.metadata, trace: "t1" } },
        });
      },
    });
    q.use({
      enqueue: async (submission, next) =>
        await next({ input: submission.input, options: { ...submission.options, priority: 9 } }),
    });
    const job = await q.enqueue(double, { n: 1 }, { metadata: { mine: true }, tags: ["x"] });
    const expected = { input: { n: 2 }, priority: 9, metadata: { mine: true, trace: "t1" }, tags: ["x"] };
    expect(await job.get()).toMatchObject(expected);
    const [one, two] = await q.enqueueMany(double, [{ n: 5 }, { n: 6 }], { metadata: { mine: true }, tags: ["x"] });
    expect(await one?.get()).toMatchObject({ ...expected, input: { n: 6 } });
    expect(await two?.get()).toMatchObject({ ...expected, input: { n: 7 } });
    const stop = q.use({ enqueue: (_, next) => next({ input: { n: "seven" } }) });
    expect((await caught(q.enqueue(double, { n: 1 }))).code).toBe("QUEUACK_INVALID_INPUT");
    stop();
    q.use({ enqueue: (_, next) => next({ options: { color: "red" } as never }) });
    expect((await caught(q.enqueue(double, { n: 1 }))).code).toBe("QUEUACK_INVALID_OPTION");
  });

  test("sees every job of enqueueMany one after the other, then one commit takes them all", async () => {
    const accepted: (AcceptedSubmission | string)[] = [];
    let inside = 0;
    q.use({
      enqueue: async ({ input }, next) => {
        expect(inside++).toBe(0);
        await Promise.resolve();
        inside--;
        diary.push(`in ${JSON.stringify(input)}`);
        accepted.push(await next());
      },
    });
    const jobs = await q.enqueueMany([
      [double, { n: 1 }],
      ["else", 2],
      [slow, "three"],
    ]);
    expect(diary).toEqual(['in {"n":1}', "in 2", 'in "three"']);
    expect(accepted).toEqual(jobs.map(({ id }) => ({ id, duplicate: false })));
  });

  test("lets 25,000 pass, in chunks", async () => {
    let out = 0;
    q.use({
      enqueue: async (_, next) => {
        await next();
        out++;
      },
    });
    const progress: number[] = [];
    const jobs = await q.enqueueMany("bulk", Array(25_000).fill(1), { onProgress: (n) => progress.push(n) });
    expect(progress).toEqual([...Array.from({ length: 12 }, (_, n) => (n + 1) * 2_000), 25_000]);
    expect([jobs.length, out]).toEqual([25_000, 25_000]);
  });

  test("hears of a duplicate", async () => {
    const told: boolean[] = [];
    q.use({ enqueue: async (_, next) => void told.push((await next()).duplicate) });
    await q.enqueue("x", 1, { idempotencyKey: "k" });
    await q.enqueue("x", 1, { idempotencyKey: "k" });
    expect(told).toEqual([false, true]);
  });

  test("what it throws refuses the whole call, and the others hear of it", async () => {
    const heard: unknown[] = [];
    q.use({ enqueue: async (_, next) => void (await next().catch((error) => heard.push(error.message))) });
    q.use({
      enqueue: async ({ input }, next) => {
        if (input === 3) throw new Error("no threes");
        await next();
      },
    });
    expect((await caught(q.enqueueMany("x", [1, 2, 3, 4]))).message).toBe("no threes");
    expect(heard).toEqual(["no threes", "no threes", "no threes"]);
    expect(await count()).toBe(0);
    await expect(q.enqueue("x", 4)).resolves.toBeDefined();
  });

  test("a full queue, a wrong input and a row that can't be stored reach those who wait for next", async () => {
    const heard: unknown[] = [];
    q.use({
      enqueue: async (_, next) => {
        try {
          await next();
        } catch (error) {
          heard.push((error as QueuackError).code);
          throw error;
        }
      },
    });
    await q.queues.configure("small", { backpressure: { limit: 1 } });
    expect((await caught(q.enqueueMany("x", [1, 2], { queue: "small" }))).code).toBe("QUEUACK_QUEUE_FULL");
    expect((await caught(q.enqueueMany(slow, ["a", ""]))).code).toBe("QUEUACK_INVALID_INPUT");
    expect((await caught(q.enqueue("x", 1n))).code).toBe("QUEUACK_NOT_STORABLE");
    expect(heard).toEqual([
      ...["QUEUACK_QUEUE_FULL", "QUEUACK_QUEUE_FULL"],
      ...["QUEUACK_INVALID_INPUT", "QUEUACK_INVALID_INPUT"],
      "QUEUACK_NOT_STORABLE",
    ]);
    expect(await count()).toBe(0);
  });

  test("one that throws after the commit fails the call; the job is there", async () => {
    q.use({
      enqueue: async (_, next) => {
        await next();
        throw new Error("afterwards");
      },
    });
    expect((await caught(q.enqueue("x", 1))).message).toBe("afterwards");
    expect(await count()).toBe(1);
  });

  test("next is called once, with an object", async () => {
    const stop = q.use({ enqueue: async () => undefined });
    expect((await caught(q.enqueue("x", 1))).message).toMatch(/ended without calling next\(\) for a job of x/);
    stop();
    const stopAgain = q.use({
      enqueue: async (_, next) => {
        await next();
        await next();
      },
    });
    expect((await caught(q.enqueue("y", 1))).message).toMatch(/called next\(\) twice/);
    stopAgain();
    q.use({ enqueue: (_, next) => next(5 as never) });
    expect((await caught(q.enqueue("z", 1))).message).toMatch(/called next\(\) with 5/);
    expect((await q.jobs.list()).items.map((job) => job.task)).toEqual(["y"]);
  });

  test("one that does not wait for next holds nothing up", async () => {
    q.use({ enqueue: (_, next) => void next() });
    await q.enqueue(slow, "later");
    await caught(q.enqueue(slow, ""));
    expect(await count()).toBe(1);
  });

  test("can't be passed within a transaction, nor bring one: that is said at once", async () => {
    const stop = q.use({ enqueue: (_, next) => next() });
    const tx = { prepare: () => undefined };
    expect(() => q.enqueue("x", 1, { tx })).toThrow(
      /^Middleware around enqueueing can't be passed within a transaction/,
    );
    stop();
    q.use({ enqueue: (_, next) => next({ options: { tx } }) });
    expect((await caught(q.enqueue("x", 1))).message).toMatch(/^tx is given where no transaction can be joined/);
    expect(await count()).toBe(0);
  });

  test("is around what handlers enqueue", async () => {
    q.use({ enqueue: ({ options }, next) => next({ options: { ...options, tags: ["seen"] } }) });
    const parent = q.task("parent", async ({ enqueue }) => (await enqueue("child", 1)).id);
    await q.worker().start();
    const id = await (await q.enqueue(parent, undefined)).result();
    expect(await q.jobs.get(id)).toMatchObject({ task: "child", tags: ["seen"] });
  });
});

describe("around handlers", () => {
  const run = async (definition = double as never, input: unknown = { n: 4 }) => {
    const job = await q.enqueue(definition, input as never);
    await clock.advance(0);
    return job;
  };

  test("the first added is outermost, also in workers that were made before", async () => {
    await q.worker().start();
    const stops = ["a", "b"].map((name) =>
      q.use({
        run: async ({ job, attempt, input }, next) => {
          diary.push(`${name} in ${job.task} ${attempt} ${JSON.stringify(input)}`);
          const result = await next();
          diary.push(`${name} out ${result}`);
          return result;
        },
      }),
    );
    expect(await (await run()).result()).toBe(8);
    expect(diary).toEqual(['a in double 1 {"n":4}', 'b in double 1 {"n":4}', "b out 8", "a out 8"]);
    for (const stop of stops) stop();
    expect(await (await run()).result()).toBe(8);
    expect(diary).toHaveLength(4);
  });

  test("may return another result, without next or after it", async () => {
    await q.worker().start();
    q.use({ run: async (_, next) => ({ was: await next() }) });
    expect(await (await run()).result()).toEqual({ was: 8 });
    q.use({ run: () => "cached" });
    expect(await (await run()).result()).toEqual({ was: "cached" });
  });

  test("what it throws fails the attempt, at once or later; what it catches does not", async () => {
    const boom = q.task("boom", () => {
      throw new Error("boom");
    });
    await q.worker().start();
    let stop = q.use({
      run: () => {
        throw new Error("not today");
      },
    });
    expect((await caught((await run()).result())).message).toContain("not today");
    stop();
    stop = q.use({ run: (_, next) => next().catch((cause) => Promise.reject(new Error("wrapped", { cause }))) });
    expect((await caught((await run(boom as never)).result())).message).toContain("wrapped");
    stop();
    q.use({ run: (_, next) => next().catch(() => "rescued") });
    expect(await (await run(boom as never)).result()).toBe("rescued");
  });

  test("next is called once", async () => {
    await q.worker().start();
    q.use({ run: async (_, next) => [await next(), await next()] });
    expect((await caught((await run()).result())).message).toContain("called next() twice");
  });

  test("one that does not wait for next is no danger to the process", async () => {
    q.use({ run: (_, next) => void next() });
    const boom = q.task("boom", () => Promise.reject(new Error("unheard")));
    await q.worker().start();
    expect(await (await run(boom as never)).result()).toBeUndefined();
  });

  test("snooze and discard pass through it", async () => {
    q.use({ run: async (_, next) => await next() });
    const fussy = q.task("fussy", ({ discard }) => discard("not mine"));
    await q.worker().start();
    const job = await run(fussy as never);
    expect(await job.get()).toMatchObject({ state: "discarded", outcome: "discarded" });
  });

  test("can carry a context of its own into the handler, and sees what is provided", async () => {
    const store = new AsyncLocalStorage<string>();
    q.provide({ place: "here" });
    q.use({ run: ({ job, provided }, next) => store.run(`${job.task} ${"place" in provided}`, next) });
    const where = q.task("where", async () => {
      await Promise.resolve();
      return store.getStore();
    });
    await q.worker().start();
    expect(await (await run(where as never)).result()).toBe("where true");
  });
});

test.each<[unknown, RegExp]>([
  [5, /^Middleware is 5/],
  [{ before: () => 1 }, /^Middleware knows no option "before"/],
  [{ run: "yes" }, /^run of a middleware is "yes"/],
])("use(%j) is refused", (middleware, message) => {
  expect(() => q.use(middleware as never)).toThrow(message);
});

test("connect() takes middleware, so that workers which start with it have it from the first job on", async () => {
  const eager = await connect(":memory:", {
    tasks: [double],
    workers: 2,
    middleware: [
      { run: async (_, next) => ["outer", await next()] },
      { run: async (_, next) => ["inner", await next()] },
    ],
  });
  onTestFinished(() => eager.close());
  expect(await (await eager.enqueue(double, { n: 1 })).result()).toEqual(["outer", ["inner", 2]]);
  await expect(connect(":memory:", { middleware: {} as never })).rejects.toThrow(/^middleware is \{\}/);
  await expect(connect(":memory:", { middleware: [5 as never] })).rejects.toThrow(/^Middleware is 5/);
});

test("the context of a run middleware is that of the handler", async () => {
  const contexts: TaskContext<unknown>[] = [];
  q.use({
    run: (context, next) => {
      contexts.push(context);
      return next();
    },
  });
  q.task("look", (context) => void contexts.push(context as TaskContext<unknown>));
  await q.worker().start();
  await (await q.enqueue("look", 1)).result();
  expect(contexts[0]).toBe(contexts[1]);
});

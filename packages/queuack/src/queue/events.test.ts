import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { defaults } from "../core/defaults.ts";
import type { QueueEvent } from "../core/events.ts";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { Gate } from "../worker/fixtures/test-house.ts";
import { connect } from "./connect.ts";
import { EventStream } from "./event-stream.ts";
import type { Queue } from "./queue.ts";

const double = task({
  name: "double",
  run: async ({ input, progress }: { input: number; progress: (part: number) => Promise<void> }) => {
    await progress(0.5);
    return input * 2;
  },
});
let clock: FakeClock;
let q: Queue;
let errors: unknown[];
beforeEach(async () => {
  clock = new FakeClock();
  errors = [];
  const onError = (error: unknown) => errors.push(error);
  q = await connect(":memory:", { clock, onError, tasks: [double], workers: 1, worker: { onError: () => {} } });
});
afterEach(() => q.close());

const enqueue = async (n: number, options = {}) => {
  await q.enqueueMany("mail", Array(n).fill(1), options);
  await clock.advance(0);
};
async function read(stream: EventStream, n: number): Promise<QueueEvent[]> {
  const events: QueueEvent[] = [];
  while (events.length < n) events.push((await stream.next()).value);
  return events;
}

describe("on()", () => {
  test("hears every event of its name, with its facts", async () => {
    const told: unknown[] = [];
    q.on("job:completed", ({ id, result, attempt }) => told.push([id, result, attempt]));
    q.on("job:progress", ({ id, progress }) => told.push([id, progress]));
    const job = await q.enqueue(double, 21);
    await job.result();
    await clock.advance("1s");
    expect(told).toEqual(
      expect.arrayContaining([
        [job.id, "42", 1],
        [job.id, 0.5],
      ]),
    );
    expect(told).toHaveLength(2);
  });

  test("hears only what its filter asks for", async () => {
    const told: string[] = [];
    q.on("job:enqueued", ({ queue }) => told.push(`queue ${queue}`), { queues: ["b"] });
    q.on("job:enqueued", ({ tenant }) => told.push(`tenant ${tenant}`), { tenant: "acme" });
    q.on("job:enqueued", ({ task }) => told.push(`task ${task}`), { tasks: ["print"] });
    await q.enqueueMany([["mail"], ["mail", 1, { queue: "b" }], ["mail", 1, { tenant: "acme" }], ["print"]]);
    await clock.advance(0);
    expect(told.sort()).toEqual(["queue b", "task print", "tenant acme"]);
  });

  test("hears nothing after it was stopped, not even what had happened before", async () => {
    const told: unknown[] = [];
    const gate = new Gate();
    const stop = q.on("job:enqueued", async (event) => {
      told.push(event);
      await gate.passed;
    });
    await enqueue(3);
    stop();
    gate.open();
    await enqueue(1);
    expect(told).toHaveLength(1);
  });

  test("calls a listener for one event at a time, in order", async () => {
    const told: string[] = [];
    q.on("job:enqueued", async ({ id }) => {
      told.push(`> ${id}`);
      await clock.advance(0);
      told.push(`< ${id}`);
    });
    const ids = (await q.enqueueMany("mail", [1, 2])).map(({ id }) => id);
    while (told.length < 4) await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual(ids.flatMap((id) => [`> ${id}`, `< ${id}`]));
  });

  test("a listener that throws or rejects harms nobody, goes on hearing, and is reported", async () => {
    let [heard, other] = [0, 0];
    q.on("job:enqueued", () => {
      heard++;
      throw new Error("thrown");
    });
    q.on("job:enqueued", async () => {
      throw new Error("rejected");
    });
    q.on("job:enqueued", () => other++);
    await enqueue(2);
    expect([heard, other]).toEqual([2, 2]);
    expect(errors.map((error) => (error as Error).message).sort()).toEqual([
      "rejected",
      "rejected",
      "thrown",
      "thrown",
    ]);
  });

  test("a listener that is too slow misses events; never is it told of one that it did not ask for", async () => {
    const names: string[] = [];
    const missed: number[] = [];
    const gate = new Gate();
    q.on("events:missed", (event) => missed.push(event.missed));
    const stopMissed = q.on("events:missed", () => expect.unreachable("it was stopped"));
    stopMissed();
    q.on("job:enqueued", async ({ name }) => {
      names.push(name);
      await gate.passed;
    });
    await enqueue(1);
    await enqueue(defaults.eventBuffer + 7);
    gate.open();
    await clock.advance(0);
    expect(names).toHaveLength(1 + defaults.eventBuffer);
    expect(new Set(names)).toEqual(new Set(["job:enqueued"]));
    expect(missed).toEqual([7]);
  });

  test.each<[string, () => unknown, RegExp]>([
    ["a name that no event has", () => q.on("job:done" as never, () => {}), /"job:done".*job:completed/],
    ["a misspelt filter", () => q.on("job:enqueued", () => {}, { queue: "b" } as never), /"queue".*queues/],
    ["a filter that is no list", () => q.events({ tasks: "mail" as never }), /tasks is "mail".*list/],
    ["no listener", () => q.on("job:enqueued", undefined as never), /listener is undefined.*function/],
  ])("refuses %s", (_, call, message) => {
    expect(call).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_OPTION", message: expect.stringMatching(message) }),
    );
  });
});

describe("events()", () => {
  test("are read as they come, by their filter, until the reader leaves", async () => {
    const names: string[] = [];
    const reading = (async () => {
      for await (const event of q.events({ names: ["job:enqueued", "job:completed"] })) {
        names.push(event.name);
        if (event.name === "job:completed") return;
      }
    })();
    await q.enqueue(double, 1);
    await reading;
    expect(names).toEqual(["job:enqueued", "job:completed"]);
  });

  test("end when the queue is closed, after what is still to be read", async () => {
    const stream = q.events();
    await enqueue(2);
    await q.close();
    const names: string[] = [];
    for await (const { name } of stream) names.push(name);
    expect(names).toEqual(["job:enqueued", "job:enqueued"]);
    expect(() => q.events()).toThrow(expect.objectContaining({ code: "QUEUACK_CLOSED" }));
  });

  test("wake a reader that waits when they end", async () => {
    const stream = q.events();
    const both = Promise.all([stream.next(), stream.next()]);
    await q.close();
    expect(await both).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });

  test("two reads at once bring one event each", async () => {
    const stream = q.events();
    const both = Promise.all([stream.next(), stream.next()]);
    await enqueue(2);
    expect((await both).map(({ value }) => value.name)).toEqual(["job:enqueued", "job:enqueued"]);
  });

  test("a reader that left hears nothing any more", async () => {
    const stream = q.events();
    await enqueue(1);
    expect(await stream.return()).toEqual({ done: true, value: undefined });
    await enqueue(1);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });
});

describe("a slow reader", () => {
  const params = () => ({ limit: 3, now: () => clock.now(), onClose: () => {} });
  const inputs = async (events: QueueEvent[]) =>
    Promise.all(events.map(async (event) => ("id" in event ? (await q.jobs.get(event.id))?.input : event)));

  test("misses the oldest and is told how many, in their place", async () => {
    const stream = new EventStream(q.broker, { names: ["job:enqueued"] }, params());
    await q.enqueueMany("mail", [1, 2, 3, 4, 5]);
    const missed = { name: "events:missed", missed: 2, at: clock.now() };
    expect(await inputs(await read(stream, 4))).toEqual([missed, 3, 4, 5]);
    await q.enqueueMany("mail", [6]);
    expect(await inputs(await read(stream, 1))).toEqual([6]);
  });

  test("that left is not told what it missed", async () => {
    const stream = new EventStream(q.broker, {}, params());
    await q.enqueueMany("mail", [1, 2, 3, 4, 5]);
    await stream.return();
    expect(await stream.next()).toMatchObject({ done: true });
  });

  test("that never reads costs no memory beyond its share", async () => {
    const stream = new EventStream(q.broker, { names: ["queue:paused"] }, params());
    const told: WeakRef<QueueEvent>[] = [];
    q.broker.subscribe({}, (event) => told.push(new WeakRef(event)));
    for (let i = 0; i < 3_003; i++) await q.queues.pause("default");
    setFlagsFromString("--expose-gc");
    runInNewContext("gc")();
    expect(told.slice(0, 1_000).filter((event) => event.deref() !== undefined)).toEqual([]);
    expect(await read(stream, 1)).toMatchObject([{ name: "events:missed", missed: 3_000 }]);
  });
});

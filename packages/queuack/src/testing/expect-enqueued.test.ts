import { AssertionError } from "node:assert";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { task } from "../core/task.ts";
import { drain } from "./drain.ts";
import { expectEnqueued, expectNotEnqueued } from "./expect-enqueued.ts";
import { type TestQueue, testQueue } from "./test-queue.ts";

const mail = task({
  name: "mail",
  input: z.object({
    to: z.object({ name: z.string(), address: z.string() }),
    lines: z.array(z.string()).default([]),
    at: z.coerce.date().optional(),
  }),
  run: () => undefined,
});
const ada = { name: "Ada", address: "ada@example.org" };
const bob = { name: "Bob", address: "bob@example.org" };

let kit: TestQueue;
beforeEach(async () => {
  kit = await testQueue({ tasks: [mail] });
});
afterEach(() => kit.close());

/** The message of the assertion that must fail, without ids. */
async function failure(assertion: Promise<unknown>): Promise<string> {
  const error = await assertion.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(AssertionError);
  return (error as Error).message.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID");
}

describe("what fits", () => {
  test("any job of the task, by the task or its name", async () => {
    const { q } = kit;
    const first = await q.enqueue(mail, { to: ada });
    const second = await q.enqueue(mail, { to: bob });
    await q.enqueue("other", { to: ada });
    const ids = async (jobs: Promise<readonly { id: string }[]>) => (await jobs).map(({ id }) => id);
    expect(await ids(expectEnqueued(q, mail))).toEqual([first.id, second.id]);
    expect(await ids(expectEnqueued(q, "mail", { to: bob }))).toEqual([second.id]);
    expect(await ids(expectEnqueued(q, mail, undefined, { count: 2 }))).toHaveLength(2);
  });

  test("a part of the input, deeply; lists as a whole; dates as their text; matchers; a function", async () => {
    const { q } = kit;
    const at = new Date("2026-11-21T06:00:00Z");
    await q.enqueue(mail, { to: ada, lines: ["Dear Ada,", "hello"], at });
    await expectEnqueued(q, mail, { to: { name: "Ada" } });
    await expectEnqueued(q, mail, { lines: ["Dear Ada,", expect.stringContaining("hell")], at });
    await expectEnqueued(q, mail, { to: expect.objectContaining({ name: "Ada" }) });
    await expectEnqueued(q, mail, ({ to }) => to.address.endsWith("example.org"));
    await expectNotEnqueued(q, mail, { to: { name: "Bob" } });
    await expectNotEnqueued(q, mail, { lines: ["Dear Ada,"] });
    await expectNotEnqueued(q, mail, { at: new Date(0) });
    await expectNotEnqueued(q, mail, { to: expect.objectContaining({ name: "Bob" }) });
    await expectNotEnqueued(q, mail, ({ lines }) => lines?.length === 0);
    await q.enqueue("list", [null, { a: 1 }]);
    await expectEnqueued(q, "list", [null, {}]);
    await expectNotEnqueued(q, "list", { 0: null });
    await expectNotEnqueued(q, "list", null);
  });

  test("queue, priority, delay, time, tags, metadata, tenant, state", async () => {
    const { q, clock } = kit;
    await q.enqueue(mail, { to: ada }, { queue: "slow", priority: "high", delay: "1h", tags: ["a", "b"] });
    await expectEnqueued(q, mail, {}, { queue: "slow", priority: "high", delay: "60m", tags: ["b"] });
    await expectEnqueued(q, mail, {}, { runAt: clock.now() + 3_600_000, priority: 75, states: ["scheduled"] });
    await q.enqueue(mail, { to: bob }, { tenant: "acme", metadata: { order: { id: 7, paid: true } } });
    await expectNotEnqueued(q, mail, { to: bob });
    await expectEnqueued(q, mail, { to: bob }, { tenant: "acme", metadata: { order: { id: 7 } }, delay: 0 });
    for (const other of [
      { queue: "default" },
      { priority: 50 },
      { delay: "61m" },
      { runAt: new Date(0) },
      { tags: ["a", "c"] },
      { metadata: { order: {} } },
      { states: ["available"] as const },
    ]) {
      await expectNotEnqueued(q, mail, undefined, other);
    }
  });

  test("only what waits, unless other states are named", async () => {
    const { q } = kit;
    await q.enqueue(mail, { to: ada });
    await drain(q);
    await expectNotEnqueued(q, mail);
    await expectEnqueued(q, mail, { to: ada }, { states: ["completed"] });
  });

  test("among thousands", async () => {
    const { q } = kit;
    await q.enqueueMany("number", Array(2_500).keys());
    await expectEnqueued(q, "number", 0, { count: 1 });
    await expectEnqueued(q, "number", (n: unknown) => Number(n) % 5 === 0, { count: 500 });
  });
});

describe("what a failed assertion says", () => {
  test("where each job differs, the closest first", async () => {
    const { q } = kit;
    await q.enqueue(mail, { to: ada, lines: ["a"] });
    await q.enqueue(mail, { to: bob }, { delay: "5m", tags: ["x"] });
    expect(await failure(expectEnqueued(q, mail, { to: { name: "Bob" } }, { delay: "1h" }))).toBe(
      [
        "Expected a job of task mail with input { to: { name: 'Bob' } }, delay '1h' to be enqueued, but no such job is.",
        "Of this task there are 2 jobs:",
        "  { to: { name: 'Bob', address: 'bob@example.org' } } (scheduled, queue default, priority 50, delay 300000 ms, tags x; ID)",
        "    - delay is 300000 ms, expected 3600000 ms",
        "  { to: { name: 'Ada', address: 'ada@example.org' }, lines: [ 'a' ] } (available, queue default, priority 50; ID)",
        "    - input.to.name is 'Ada', expected 'Bob'",
        "    - delay is 0 ms, expected 3600000 ms",
      ].join("\n"),
    );
    const error = await expectEnqueued(q, mail, { to: { name: "Eve" } }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "ERR_ASSERTION",
      operator: "expectEnqueued",
      expected: { to: { name: "Eve" } },
      actual: [{ to: ada, lines: ["a"] }, { to: bob }],
    });
  });

  test("every kind of difference", async () => {
    const { q, clock } = kit;
    await q.enqueue(mail, { to: ada, lines: ["a"] });
    const runAt = new Date(clock.now() + 1);
    const all = { queue: "slow", priority: 1, runAt, tags: ["x"], metadata: { a: 1 } };
    const said = await failure(expectEnqueued(q, mail, { lines: ["a", "b"], at: expect.any(String) }, all));
    for (const line of [
      "input.lines has 1 items, expected 2: [ 'a' ]",
      "input.at is undefined, expected Any<String>",
      "queue is 'default', expected 'slow'",
      "priority is 50, expected 1",
      "runAt is 2026-01-01T00:00:00.000Z, expected 2026-01-01T00:00:00.001Z",
      'tags lack "x"',
      "metadata is null, expected { a: 1 }",
    ]) {
      expect(said).toContain(`\n    - ${line}`);
    }
    expect(await failure(expectEnqueued(q, mail, () => false))).toContain("- input does not fit the function");
  });

  test("what else there is, when there is none of the task", async () => {
    const { q } = kit;
    expect(await failure(expectEnqueued(q, mail))).toBe(
      [
        "Expected a job of task mail to be enqueued, but no such job is.",
        "There is no job of this task.",
        "Of other tasks there is none either.",
      ].join("\n"),
    );
    await q.enqueue(mail, { to: ada });
    await drain(q);
    await q.enqueueMany("resize", [1, 2]);
    await q.enqueue("audit");
    expect(await failure(expectEnqueued(q, mail))).toContain(
      "The jobs of this task are: 1 completed.\nOf other tasks there are: 2 resize, 1 audit.",
    );
  });

  test("how many there are", async () => {
    const { q } = kit;
    await q.enqueueMany(mail, Array(7).fill({ to: ada }));
    const said = await failure(expectEnqueued(q, mail, { to: ada }, { count: 8 }));
    expect(said).toContain("to be enqueued, but 7 of the 8 expected are.");
    expect(said).toContain("Of this task there are 7 jobs:");
    expect(said).toContain("\n  and 2 more");
    expect(await failure(expectEnqueued(q, mail, {}, { count: 6 }))).toContain("but 7 of the 6 expected are.");
    await expectEnqueued(q, mail, { to: ada }, { count: 7 });
  });

  test("which job is there that should not be", async () => {
    const { q } = kit;
    await q.enqueue(mail, { to: ada });
    await q.enqueue(mail, { to: bob });
    expect(await failure(expectNotEnqueued(q, mail, { to: bob }))).toBe(
      [
        "Expected a job of task mail with input { to: { name: 'Bob', address: 'bob@example.org' } } not to be enqueued, but it is.",
        "Of this task there is 1 job:",
        "  { to: { name: 'Bob', address: 'bob@example.org' } } (available, queue default, priority 50; ID)",
      ].join("\n"),
    );
  });
});

test("refuses what it doesn't know, and what makes no sense", async () => {
  const { q } = kit;
  const invalid = { code: "QUEUACK_INVALID_OPTION" };
  await expect(expectEnqueued(q, mail, {}, { count: 0 })).rejects.toMatchObject(invalid);
  await expect(expectEnqueued(q, mail, {}, { tag: "x" } as object)).rejects.toMatchObject(invalid);
  await expect(expectEnqueued(q, mail, {}, { states: ["done" as never] })).rejects.toMatchObject(invalid);
  await expect(expectNotEnqueued(q, mail, {}, { count: 1 } as object)).rejects.toMatchObject(invalid);
  await expect(expectNotEnqueued(q, mail, {}, { delay: 1, runAt: 1 })).rejects.toMatchObject(invalid);
  await expect(expectNotEnqueued(q, mail, {}, { delay: "soon" })).rejects.toMatchObject(invalid);
  await expect(expectEnqueued(q, undefined as unknown as string)).rejects.toMatchObject({
    code: "QUEUACK_INVALID_TASK",
  });
});

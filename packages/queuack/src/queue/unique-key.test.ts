import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task, type UniqueOptions } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { connect } from "./connect.ts";
import type { Queue } from "./queue.ts";
import { type UniqueTemplate, uniqueness, uniqueTemplate } from "./unique-key.ts";

const keyOf = (input: unknown, option: UniqueOptions | true = true, scope = ["default", "default", "mail"]) =>
  uniqueness(uniqueTemplate(option, scope) as UniqueTemplate, input).key;

describe("the key", () => {
  test("is one for equal inputs, in whatever order their fields stand", () => {
    expect(keyOf({ a: 1, b: { c: [1, 2], d: null } })).toBe(keyOf({ b: { d: null, c: [1, 2] }, a: 1 }));
    expect(keyOf(undefined)).toBe(keyOf(undefined));
  });

  test("is another for another input, task, queue or tenant", () => {
    const scopes = [
      ["default", "default", "mail"],
      ["acme", "default", "mail"],
      ["default", "urgent", "mail"],
      ["default", "default", "resize"],
    ];
    const inputs = [
      1,
      "1",
      [1],
      { a: 1 },
      { a: "1" },
      { a: [1] },
      {},
      null,
      new Map([["a", 1]]),
      new Set(["a"]),
      1n,
      "1n!",
    ];
    const keys = [...scopes.map((scope) => keyOf({ a: 2 }, true, scope)), ...inputs.map((input) => keyOf(input))];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("heeds the chosen fields alone; one that is missing is a value, too", () => {
    const by = ["user.id"];
    const user = { id: 7 };
    expect(keyOf({ user, text: "a" }, { by })).toBe(keyOf({ text: "b", user: { id: 7, name: "x" } }, { by }));
    expect(keyOf({ user }, { by })).not.toBe(keyOf({ user: { id: 8 } }, { by }));
    expect(keyOf({}, { by })).toBe(keyOf({ user: 3 }, { by }));
    expect(keyOf({ user: { id: null } }, { by })).toBe(keyOf({}, { by }));
  });
});

describe("what makes no sense is refused", () => {
  const options: [string, object, string][] = [
    ["an unknown part", { key: "a" }, "key"],
    ["an unknown reply", { onConflict: "throw" }, "unique.onConflict"],
    ["a field without a name", { by: [""] }, "unique.by"],
    ["a period of no time", { period: 0 }, "unique.period"],
    ["a state that is none", { states: ["running", "done"] }, "unique.states"],
    [
      "states that leave out where a job waits",
      { states: ["available", "running"] },
      "lacks scheduled, pending, retryable",
    ],
  ];
  test.each(options)("%s", (_, option, message) => {
    expect(() => uniqueTemplate(option as UniqueOptions, [])).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_OPTION", message: expect.stringContaining(message) }),
    );
  });
});

describe("enqueueing", () => {
  let clock: FakeClock;
  let q: Queue;
  const mail = task({
    name: "mail",
    unique: { by: ["to"], onConflict: "reject" },
    run: ({ input }: { input: { to: string; text: string } }) => input.text,
  });
  beforeEach(async () => {
    clock = new FakeClock();
    q = await connect(":memory:", { clock, tasks: [mail] });
  });
  afterEach(() => q.close());

  test("follows the task, and what the job says goes before it", async () => {
    const first = await q.enqueue(mail, { to: "a", text: "1" });
    await expect(q.enqueue(mail, { to: "a", text: "2" })).rejects.toMatchObject({
      code: "QUEUACK_DUPLICATE_JOB",
      details: { existing: first.id },
    });
    const same = await q.enqueue(mail, { to: "a", text: "2" }, { unique: { by: ["to"] } });
    expect([same.id, same.duplicate]).toEqual([first.id, true]);
    expect((await q.enqueue(mail, { to: "a", text: "2" }, { unique: false })).id).not.toBe(first.id);
    expect((await q.enqueue(mail, { to: "a", text: "2" }, { queue: "other" })).id).not.toBe(first.id);
  });

  test("of a chunk all are refused or none", async () => {
    const inputs = ["a", "b", "a"].map((to) => ({ to, text: "x" }));
    await expect(q.enqueueMany(mail, inputs)).rejects.toMatchObject({ code: "QUEUACK_DUPLICATE_JOB" });
    expect((await q.jobs.list()).items).toEqual([]);
  });

  test("throttles: once in each period, what is over counts as well", async () => {
    await q.worker().start();
    const unique = { by: ["to"], period: "1m" } as const;
    const first = await q.enqueue(mail, { to: "a", text: "1" }, { unique });
    await first.result();
    expect((await q.enqueue(mail, { to: "a", text: "2" }, { unique })).id).toBe(first.id);
    await clock.advance("1m");
    expect((await q.enqueue(mail, { to: "a", text: "3" }, { unique })).id).not.toBe(first.id);
  });

  test("debounces: the last value runs once it has been quiet for so long", async () => {
    await q.worker().start();
    const debounce = { delay: "5s", unique: { by: ["to"], onConflict: "replace" } } as const;
    const first = await q.enqueue(mail, { to: "a", text: "1" }, debounce);
    await clock.advance("4s");
    await q.enqueue(mail, { to: "a", text: "2" }, debounce);
    await clock.advance("4s");
    expect((await first.get()).state).toBe("scheduled");
    await clock.advance("1s");
    expect(await first.result()).toBe("2");
    expect((await q.jobs.list()).items).toHaveLength(1);
  });
});

import { inspect } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { QueuackError } from "../core/errors.ts";
import type { Provided } from "../core/provided.ts";
import { type TaskContext, task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { connect } from "./connect.ts";
import type { Queue } from "./queue.ts";

interface Things {
  readonly db: { find(id: number): string };
  readonly mailer: string;
}
const things = (provided: Provided) => provided as unknown as Things;
const find = task({
  name: "find",
  run: ({ input, provided }: TaskContext<number>) => things(provided).db.find(input),
});
const db = { find: (id: number) => `row ${id}` };

let clock: FakeClock;
let q: Queue;
beforeEach(async () => {
  clock = new FakeClock();
  q = await connect(":memory:", { clock, tasks: [find], workers: 1, retry: { maxAttempts: 1 } });
});
afterEach(() => q.close());
const failure = async () => {
  const job = await q.enqueue(find, 7);
  const error = (await job.result().catch((thrown) => thrown)) as QueuackError;
  return error.cause as QueuackError;
};

test("what is provided reaches handlers, in workers made before and after", async () => {
  q.provide({ db });
  expect(await (await q.enqueue(find, 7)).result()).toBe("row 7");
  const late = q.task("late", ({ provided }) => things(provided).mailer);
  await q.worker({ tasks: [late] }).start();
  q.provide({ mailer: "smtp" });
  expect(await (await q.enqueue(late, undefined)).result()).toBe("smtp");
});

test("to ask for what nobody provided fails the attempt and names it", async () => {
  q.provide({ mailer: "smtp" });
  const error = await failure();
  expect(error).toMatchObject({ code: "QUEUACK_NOT_PROVIDED" });
  expect(error.message).toBe(
    'Nobody has provided "db". Register it with q.provide() before jobs run, or with connect(url, { provide }).',
  );
});

test("nothing is provided twice, and then nothing of it", async () => {
  q.provide({ db });
  expect(() => q.provide({ mailer: "smtp", db })).toThrow(/^"db" is provided already/);
  expect(() => q.provide({ mailer: "smtp" })).not.toThrow();
  expect(() => q.provide("db" as never)).toThrow(/^What is provided is "db"/);
});

test("handlers can ask whether something is there, print it and await it, but not change it", async () => {
  const look = q.task("look", async ({ provided }) => {
    const own = things(provided) as { db: unknown };
    expect(await provided).toBe(provided);
    expect(inspect(provided)).toContain("db");
    expect(JSON.stringify(provided)).toBe('{"db":1}');
    expect(() => {
      own.db = 2;
    }).toThrow(TypeError);
    expect(() => {
      delete own.db;
    }).toThrow(TypeError);
    return ["db" in provided, "mailer" in provided, "constructor" in provided, Object.keys(provided)];
  });
  q.provide({ db: 1 });
  await q.worker({ tasks: [look] }).start();
  expect(await (await q.enqueue(look, undefined)).result()).toEqual([true, false, false, ["db"]]);
});

test("connect() provides before its workers start, and enqueue middleware sees it", async () => {
  const other = await connect(":memory:", { tasks: [find], workers: 1, provide: { db, tenantOfAll: "acme" } });
  other.use({
    enqueue: ({ provided, options }, next) =>
      next({ options: { ...options, metadata: { of: (provided as { tenantOfAll?: string }).tenantOfAll } } }),
  });
  const job = await other.enqueue(find, 1);
  expect(await job.result()).toBe("row 1");
  expect((await job.get()).metadata).toEqual({ of: "acme" });
  await other.close();
});

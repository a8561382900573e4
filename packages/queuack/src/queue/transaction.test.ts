import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { task } from "../core/task.ts";
import { connect } from "./connect.ts";
import { temporaryFolder } from "./fixtures/temporary-folder.ts";
import type { Queue } from "./queue.ts";

const mail = task({
  name: "mail",
  input: z.object({ to: z.string() }),
  run: async ({ input }) => `sent to ${input.to}`,
});

let path: string;
let q: Queue;
let db: BetterSqlite3.Database;
beforeEach(async () => {
  path = join(temporaryFolder(), "app.db");
  q = await connect(path);
  db = new BetterSqlite3(path);
  db.pragma("synchronous = FULL");
  db.exec("CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT)");
});
afterEach(async () => {
  db.close();
  await q.close();
});

const accounts = () => (db.prepare("SELECT count(*) AS n FROM account").get() as { n: number }).n;
const signUp = (name: string) => db.prepare("INSERT INTO account (name) VALUES (?)").run(name);

describe("enqueue with tx", () => {
  test("the job is there with the commit, not before", async () => {
    db.exec("BEGIN");
    signUp("ada");
    const job = await q.enqueue(mail, { to: "ada" }, { tx: db, priority: 70, tags: ["welcome"] });
    expect(await q.jobs.get(job.id)).toBeNull();
    db.exec("COMMIT");
    expect(await q.jobs.get(job.id)).toMatchObject({ state: "available", priority: 70, tags: ["welcome"] });
    expect(accounts()).toBe(1);
  });

  test("a rollback takes it along, even its queue and task that were new, and the next one is whole", async () => {
    db.exec("BEGIN");
    const gone = await q.enqueue("never-seen", 1, { tx: db, queue: "new" });
    db.exec("ROLLBACK");
    expect(await q.jobs.get(gone.id)).toBeNull();
    db.exec("BEGIN");
    const kept = await q.enqueue("never-seen", 2, { tx: db, queue: "new" });
    db.exec("COMMIT");
    expect(await q.jobs.get(kept.id)).toMatchObject({ queue: "new", input: 2 });
    expect((await q.queues.get("new"))?.counts.available).toBe(1);
  });

  test("a waiting worker notices the user's commit", async () => {
    await q.worker({ tasks: [mail] }).start();
    db.exec("BEGIN");
    const job = await q.enqueue(mail, { to: "ada" }, { tx: db });
    db.exec("COMMIT");
    expect(await job.result({ timeout: "5s" })).toBe("sent to ada");
  });

  test("what is wrong is thrown at once and rolls the user's transaction back", async () => {
    const attempt = db.transaction((to: unknown) => {
      signUp("ada");
      void q.enqueue(mail, { to } as { to: string }, { tx: db });
    });
    expect(() => attempt(1)).toThrow(expect.objectContaining({ code: "QUEUACK_INVALID_INPUT" }));
    await q.queues.configure("default", { backpressure: { limit: 1 } });
    attempt("ada");
    expect(() => attempt("bob")).toThrow(expect.objectContaining({ code: "QUEUACK_QUEUE_FULL" }));
    expect(accounts()).toBe(1);
  });

  test("what is refused leaves nothing behind where the user goes on and commits", async () => {
    const unique = { onConflict: "reject" } as const;
    await q.enqueue(mail, { to: "ada" }, { unique });
    db.exec("BEGIN");
    expect(() => q.enqueue(mail, { to: "ada" }, { tx: db, unique, queue: "default" })).toThrow(
      expect.objectContaining({ code: "QUEUACK_DUPLICATE_JOB" }),
    );
    signUp("ada");
    db.exec("COMMIT");
    expect([accounts(), (await q.jobs.list()).items.length]).toEqual([1, 1]);
  });

  test("duplicates are recognised as anywhere", async () => {
    const first = await q.enqueue(mail, { to: "ada" }, { idempotencyKey: "k" });
    db.exec("BEGIN");
    const second = await q.enqueue(mail, { to: "ada" }, { idempotencyKey: "k", tx: db });
    db.exec("COMMIT");
    expect([second.id, second.duplicate]).toEqual([first.id, true]);
  });

  test("a connection that hands out BigInts serves as well", async () => {
    db.defaultSafeIntegers(true);
    db.exec("BEGIN");
    const job = await q.enqueue(mail, { to: "ada" }, { tx: db, group: "g", delay: "1h" });
    db.exec("COMMIT");
    expect(await q.jobs.get(job.id)).toMatchObject({ state: "scheduled", group: "g" });
  });

  const refused = (tx: unknown, message: RegExp) => {
    expect(() => q.enqueue(mail, { to: "ada" }, { tx: tx as BetterSqlite3.Database })).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_TRANSACTION", message: expect.stringMatching(message) }),
    );
  };

  test("a connection that would not survive a power cut is refused with the pragma to set", async () => {
    db.pragma("synchronous = NORMAL");
    db.exec("BEGIN");
    refused(db, /synchronous = 1.*PRAGMA synchronous = FULL/);
    db.exec("ROLLBACK");
    const relaxed = await connect(path, { durability: "relaxed" });
    db.exec("BEGIN");
    await relaxed.enqueue(mail, { to: "ada" }, { tx: db });
    db.exec("COMMIT");
    await relaxed.close();
  });

  test("no transaction, another file, memory, and what is no connection are refused", () => {
    refused(db, /no open transaction/);
    const other = new BetterSqlite3(join(temporaryFolder(), "other.db"));
    other.exec("BEGIN");
    refused(other, /open on .*other\.db, the queue on .*app\.db/);
    other.close();
    const memory = new BetterSqlite3(":memory:");
    memory.exec("BEGIN");
    refused(memory, /open on memory/);
    memory.close();
    refused({}, /no connection of better-sqlite3/);
    refused(null, /no connection of better-sqlite3/);
  });

  test("a schema that answers later, many jobs at once, and a queue in memory are refused", async () => {
    const slow = task({ name: "slow", input: z.string().refine(async () => true), run: () => 1 });
    db.exec("BEGIN");
    expect(() => q.enqueue(slow, "x", { tx: db })).toThrow(/asynchronous/);
    await expect(q.enqueueMany(mail, [{ to: "ada" }], { tx: db })).rejects.toThrow(/many jobs at once/);
    await expect(q.enqueueMany([[mail, { to: "ada" }, { tx: db }]])).rejects.toThrow(/many jobs at once/);
    const memory = await connect(":memory:");
    expect(() => memory.enqueue(mail, { to: "ada" }, { tx: db })).toThrow(
      expect.objectContaining({ code: "QUEUACK_UNSUPPORTED" }),
    );
    await memory.close();
    db.exec("ROLLBACK");
  });
});

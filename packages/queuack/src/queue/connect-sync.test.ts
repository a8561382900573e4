import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { codecOver } from "../codecs/codec-over.ts";
import { QueuackError } from "../core/errors.ts";
import { type TaskContext, task } from "../core/task.ts";
import { openConnection } from "../storage/sqlite/database.ts";
import { connectSync, type SyncOptions, type SyncQueue } from "./connect-sync.ts";
import { temporaryFolder } from "./fixtures/temporary-folder.ts";
import { SyncThread } from "./sync-thread.ts";

const echo = task({ name: "echo", codec: "structured", run: ({ input }: TaskContext<unknown>) => input });
const resize = task({
  name: "resize",
  input: z.object({ width: z.number() }),
  priority: 80,
  run: ({ input }) => input.width,
});

let opened: SyncQueue[] = [];
afterEach(() => {
  for (const q of opened) q.close();
  opened = [];
});
function open(url: string, options?: SyncOptions): SyncQueue {
  const q = connectSync(url, options);
  opened.push(q);
  return q;
}
const caught = (act: () => unknown): QueuackError => {
  try {
    act();
  } catch (error) {
    return error as QueuackError;
  }
  return expect.unreachable("it should have thrown");
};

describe("without a worker", () => {
  let q: SyncQueue;
  beforeEach(() => {
    q = open(":memory:", { tasks: [resize], priority: "low" });
  });

  test("enqueues one job, with the options of connection, task and call", () => {
    const job = q.enqueue(resize, { width: 300 }, { tags: ["a"], delay: "1h" });
    expect(job).toEqual({ id: expect.stringMatching(/^[0-9a-f-]{36}$/), duplicate: false });
    const shown = q.get(job.id);
    expect(shown).toMatchObject({ state: "scheduled", priority: 80, tags: ["a"], input: { width: 300 } });
    expect(shown?.createdAt).toBeInstanceOf(Date);
    expect(q.get(q.enqueue("else").id)).toMatchObject({ priority: 25, input: undefined });
  });

  test("recognises what it has accepted", () => {
    const first = q.enqueue("x", 1, { idempotencyKey: "k" });
    expect(q.enqueue("x", 1, { idempotencyKey: "k" })).toEqual({ id: first.id, duplicate: true });
  });

  test("enqueues many, alike and mixed, in chunks", () => {
    expect(q.enqueueMany(resize, [{ width: 1 }, { width: 2 }])).toHaveLength(2);
    expect(
      q.enqueueMany(
        [
          [resize, { width: 1 }],
          ["x", 2, { priority: 9 }],
        ],
        { queue: "mixed" },
      ),
    ).toHaveLength(2);
    const progress: number[] = [];
    q.enqueueMany("bulk", Array(10_001).fill(1), { queue: "bulk", onProgress: (n) => progress.push(n) });
    expect(progress).toEqual([2_000, 4_000, 6_000, 8_000, 10_000, 10_001]);
    expect(() => q.enqueueMany("bulk", [...Array(10_001).fill(1), 5n], { queue: "partly" })).toThrow(
      expect.objectContaining({ code: "QUEUACK_NOT_STORABLE", details: expect.objectContaining({ accepted: 10_000 }) }),
    );
    const waiting = q.stats().map(({ queue, counts }) => [queue, counts.available]);
    expect(Object.fromEntries(waiting)).toEqual({ default: 2, mixed: 2, bulk: 10_001, partly: 10_000 });
  });

  test("checks inputs before anything is sent, by the name of a known task as well", () => {
    for (const act of [
      () => q.enqueue(resize, { width: "wide" } as never),
      () => q.enqueue("resize", { width: "wide" }),
      () => q.enqueueMany(resize, [{ width: 1 }, {} as never]),
    ]) {
      expect(caught(act)).toMatchObject({ code: "QUEUACK_INVALID_INPUT", details: { task: "resize" } });
    }
    expect(caught(() => q.enqueue("x", { f: () => 1 })).message).toMatch(/^input\.f is a function/);
    expect(caught(() => q.enqueue("x", 1, { color: "red" } as never)).code).toBe("QUEUACK_INVALID_OPTION");
    const tx = { prepare: () => undefined };
    expect(caught(() => q.enqueue("x", 1, { tx })).message).toMatch(/^tx is given where no transaction can be joined/);
    expect(q.stats()).toEqual([]);
  });

  test("keeps what a value says of itself, as connect() does", () => {
    const money = new (class Money {
      toJSON() {
        return { cents: 5 };
      }
    })();
    expect(q.get(q.enqueue("x", money).id)?.input).toEqual({ cents: 5 });
  });

  test("refuses a schema that it would have to wait for", () => {
    const slow = task({ name: "slow", input: z.string().refine(async () => false), run: () => 1 });
    const error = caught(() => q.enqueue(slow, "x"));
    expect(error.code).toBe("QUEUACK_UNSUPPORTED");
    expect(error.message).toMatch(/^The schema of task slow checks asynchronously/);
  });

  test("cancels, once; says so when a result is asked for", () => {
    const { id } = q.enqueue("x", 1);
    expect([q.cancel(id), q.cancel(id)]).toEqual([true, false]);
    expect(q.get(id)?.state).toBe("cancelled");
    expect(caught(() => q.result(id)).code).toBe("QUEUACK_JOB_CANCELLED");
  });

  test("errors come back as they were thrown: class, code, hint, details, message", () => {
    const id = "0190b2f4-8f3e-7c3a-9d2b-5b1f4d6e7a80";
    const error = caught(() => q.result(id));
    expect(error).toBeInstanceOf(QueuackError);
    expect(error).toMatchObject({
      code: "QUEUACK_UNKNOWN_JOB",
      hint: "Check the id; a job past its retention is deleted.",
      details: { id },
      message: `There is no job ${id}. Check the id; a job past its retention is deleted.`,
    });
    expect(error.stack).toContain("connect-sync.test.ts");
    expect(caught(() => q.cancel(id))).toMatchObject({ code: "QUEUACK_UNKNOWN_JOB" });
    expect(q.get(id)).toBeNull();
    const timeout = caught(() => q.result(q.enqueue("x", 1), { timeout: 20 }));
    expect(timeout).toMatchObject({ code: "QUEUACK_RESULT_TIMEOUT", details: { timeoutMs: 20 } });
  });

  test("close() can be called again, and `using` does it; afterwards nothing can be asked", () => {
    q[Symbol.dispose]();
    q.close();
    expect(caught(() => q.stats()).code).toBe("QUEUACK_CLOSED");
  });
});

test.each<[string, unknown, RegExp]>([
  ["timeout", "soon", /timeout is "soon"/],
  ["timeout", 0, /timeout is 0/],
  ["workers", 1, /knows no option "workers"/],
  ["tasks", [5], /tasks\[0\] is 5/],
  ["priority", 101, /priority is 101/],
])("connectSync() refuses the option %s: %j", (option, value, message) => {
  expect(() => connectSync(":memory:", { [option]: value })).toThrow(message);
});

test("what connect() refuses, connectSync() refuses alike", () => {
  expect(caught(() => connectSync("mongodb://user:secret@host/db"))).toMatchObject({ code: "QUEUACK_INVALID_URL" });
  const error = caught(() => connectSync(join(temporaryFolder(), "no", "such", "folder", "jobs.db")));
  expect(error).toMatchObject({ code: "QUEUACK_STORE_FAILED" });
});

test("codecs stay on this side of the thread", () => {
  const gzip = codecOver("json", { name: "gzip", encode: gzipSync, decode: gunzipSync });
  const path = join(temporaryFolder(), "jobs.db");
  const q = open(path, { codec: gzip });
  const { id } = q.enqueue("x", { text: "again ".repeat(500) });
  expect(q.get(id)?.input).toEqual({ text: "again ".repeat(500) });
  expect(open(path).get(id)?.input).toEqual({ $codec: "gzip", $error: "QUEUACK_UNKNOWN_CODEC" });
});

describe("with a worker in another process", () => {
  let path: string;
  let child: ChildProcess;
  beforeEach(async () => {
    path = join(temporaryFolder(), "jobs.db");
    const program = fileURLToPath(new URL("fixtures/sync-worker.mjs", import.meta.url));
    child = spawn(process.execPath, [program, path], { stdio: ["pipe", "pipe", "inherit"] });
    await once(child.stdout as NodeJS.ReadableStream, "data");
  });
  afterEach(async () => {
    child.stdin?.end();
    if (child.exitCode === null) await once(child, "exit");
  });

  test("waits for results, with their values as they are", () => {
    const q = open(path);
    const value = new Map([["at", [new Date(7), 1n]]]);
    expect(q.result(q.enqueue(echo, value))).toEqual(value);
    const jobs = q.enqueueMany(echo, [1, 2, 3]);
    expect(jobs.map((job) => q.result(job.id, { timeout: "20s" }))).toEqual([1, 2, 3]);
  });

  test("a job that failed throws with its last error as the cause", () => {
    const q = open(path);
    const error = caught(() => q.result(q.enqueue("broken", 1)));
    expect(error).toMatchObject({ code: "QUEUACK_JOB_FAILED", details: { state: "discarded" } });
    expect(error.cause).toMatchObject({ message: "no such customer", code: "E_CUSTOMER" });
  });

  test("a result has its own limit, and the job goes on: then it can be cancelled", () => {
    const q = open(path, { timeout: "20s" });
    const job = q.enqueue("patient", 1);
    expect(caught(() => q.result(job, { timeout: 50 })).code).toBe("QUEUACK_RESULT_TIMEOUT");
    expect(q.cancel(job.id)).toBe(true);
    expect(caught(() => q.result(job)).code).toBe("QUEUACK_JOB_CANCELLED");
  });
});

test("a call is given up after the timeout; its late answer is nobody else's", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  const q = open(path, { timeout: "2s" });
  q.enqueue("x", 1);
  // Holds the database, as a stuck process might.
  const holder = openConnection(path);
  holder.exec("BEGIN IMMEDIATE");
  const id = "0190b2f4-8f3e-7c3a-9d2b-5b1f4d6e7a81";
  const error = caught(() => q.enqueue("x", 2, { id }));
  holder.exec("ROLLBACK");
  holder.close();
  expect(error).toMatchObject({ code: "QUEUACK_CALL_TIMEOUT", details: { method: "enqueue" } });
  expect(error.message).toMatch(/enqueue with an id of your own to repeat it safely/);
  // Repeated under its id it is one job, whether or not it had come through.
  const patient = open(path);
  expect(patient.enqueue("x", 2, { id }).id).toBe(id);
  expect(q.get(id)).toMatchObject({ id, input: 2 });
  expect(patient.stats()[0]?.counts.available).toBe(2);
});

describe("a thread that", () => {
  const built = new URL("../../dist/queue/sync-program.js", import.meta.url);
  const program = (code: string) =>
    new URL(`data:text/javascript,${encodeURIComponent(`import { workerData } from "node:worker_threads"; ${code}`)}`);

  test("dies is noticed at once, and what is asked then is refused", () => {
    const dies = program(
      `await import(${JSON.stringify(built.href)}); workerData.port.on("message", () => process.exit(3));`,
    );
    const thread = new SyncThread(20_000, { program: dies });
    const started = performance.now();
    const error = caught(() => thread.wait({ id: "x", timeoutMs: undefined }));
    expect(error).toMatchObject({ code: "QUEUACK_CLOSED" });
    expect(error.message).toContain("has ended by itself");
    expect(performance.now() - started).toBeLessThan(15_000);
    expect(caught(() => thread.call("get", [])).code).toBe("QUEUACK_CLOSED");
  });

  test("hangs is given up, even where a result may take for ever", () => {
    const thread = new SyncThread(100, { program: program("for (;;);"), silenceMs: 300 });
    onTestFinished(() => thread.end());
    const error = caught(() => thread.wait({ id: "x", timeoutMs: undefined }));
    expect(error).toMatchObject({ code: "QUEUACK_CALL_TIMEOUT", details: { method: "wait" } });
    expect(error.details.silentMs).toBeGreaterThanOrEqual(300);
    expect(caught(() => thread.call("get", [])).details.tookMs).toBeLessThan(300);
  });

  test("lives is waited for, however short the timeout of a call is", () => {
    const beats = program(
      `setInterval(() => Atomics.add(workerData.signs, 1, 1), 20);
      workerData.port.on("message", ({ id }) => setTimeout(() => {
        workerData.port.postMessage({ id, value: "late" });
        Atomics.add(workerData.signs, 0, 1);
        Atomics.notify(workerData.signs, 0);
      }, 1_500));`,
    );
    const thread = new SyncThread(50, { program: beats, silenceMs: 1_000 });
    onTestFinished(() => thread.end());
    expect(thread.wait({ id: "x", timeoutMs: undefined })).toBe("late");
  });
});

test("a script that forgets close() ends all the same", async () => {
  const folder = temporaryFolder();
  const index = new URL("../../dist/index.js", import.meta.url).href;
  const script = join(folder, "script.mjs");
  writeFileSync(
    script,
    `import { connectSync } from ${JSON.stringify(index)};
    const q = connectSync(${JSON.stringify(join(folder, "jobs.db"))});
    console.log(q.get(q.enqueue("x", 1).id).state);`,
  );
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script]);
  expect([stdout, stderr]).toEqual(["available\n", ""]);
});

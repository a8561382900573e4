import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { type ConnectOptions, connect } from "./connect.ts";
import { temporaryFolder } from "./fixtures/temporary-folder.ts";
import { Queue } from "./queue.ts";

afterEach(() => void vi.unstubAllEnvs());

/** Opens, and closes when the block ends. */
const open = (url?: string, options?: ConnectOptions) => connect(url, options);
const storeOf = (q: Queue) => q.broker.capabilities;

describe("the URL decides the deployment", () => {
  test.each([":memory:", "sqlite::memory:", " :memory: "])("%j is a queue in memory", async (url) => {
    await using q = await open(url);
    expect(storeOf(q)).toMatchObject({ store: "sqlite", persistent: false });
  });

  test("a path is a file, made when it is not there", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    await using q = await open(path);
    expect(storeOf(q)).toMatchObject({ store: "sqlite", persistent: true });
    expect(existsSync(path)).toBe(true);
  });

  test.each([
    ["sqlite:", (path: string) => path],
    ["sqlite://", (path: string) => path],
    ["SQLite:", (path: string) => relative(process.cwd(), path)],
  ])("%s and a path is the same file", async (scheme, spell) => {
    const path = join(temporaryFolder(), "jobs.db");
    await using first = await open(path);
    const { id } = await first.enqueue("mail");
    await using second = await open(scheme + spell(path));
    expect(await second.jobs.get(id)).toMatchObject({ id });
  });

  test("QUEUACK_URL is used when no URL is given", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    vi.stubEnv("QUEUACK_URL", path);
    await using _ = await open();
    expect(existsSync(path)).toBe(true);
  });

  test.each([
    ["", /given no URL/],
    ["   ", /given no URL/],
    ["sqlite:", /"sqlite:" is not a URL/],
    ["sqlite://jobs.db", /is not a URL/],
    ["mysql://localhost/app", /"mysql:\/\/localhost\/app" is not a URL/],
    ["file:jobs.db", /is not a URL/],
    ["//server/share/jobs.db", /is not a URL/],
    [5 as unknown as string, /given 5/],
  ])("%j is refused, with what would be right", async (url, message) => {
    await expect(open(url)).rejects.toMatchObject({
      code: "QUEUACK_INVALID_URL",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/jobs\.db.*:memory:.*QUEUACK_URL/),
    });
  });

  test("no URL at all is refused", async () => {
    vi.stubEnv("QUEUACK_URL", undefined);
    await expect(open()).rejects.toMatchObject({ code: "QUEUACK_INVALID_URL" });
  });

  test.each([
    "mysql://root:hunter2@db/app",
    "mysql://root:hunter2@hunter2@db/app",
    "mysql://root:hun/hunter2@db/app",
    "mysql://db/app?user=root&password=hunter2",
  ])("an error never shows the secrets of a URL: %s", async (url) => {
    await expect(open(url)).rejects.toMatchObject({
      code: "QUEUACK_INVALID_URL",
      message: expect.not.stringContaining("hunter2"),
    });
    await expect(open(url)).rejects.toThrow("mysql://");
  });
});

describe("a file that can't be a queue", () => {
  test("in a folder that is not there", async () => {
    const path = join(temporaryFolder(), "nowhere", "jobs.db");
    await expect(open(path)).rejects.toMatchObject({
      code: "QUEUACK_STORE_FAILED",
      message: expect.stringContaining(path),
    });
  });

  test("a folder", async () => {
    const path = join(temporaryFolder(), "folder");
    mkdirSync(path);
    await expect(open(path)).rejects.toMatchObject({ code: "QUEUACK_STORE_FAILED" });
  });

  test("a file of something else", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    writeFileSync(path, "This is a text and no database at all. ".repeat(100));
    await expect(open(path)).rejects.toMatchObject({ code: "QUEUACK_STORE_FAILED" });
  });
});

describe("options that are wrong", () => {
  test.each<[string, object, RegExp]>([
    ["an unknown one", { concurency: 5 }, /no option "concurency".*workers/],
    ["durability", { durability: "none" }, /durability is "none".*"full" or "relaxed"/],
    ["tenant", { tenant: "two words" }, /tenant is "two words".*1 to 200/],
    ["queue", { queue: "" }, /queue is "".*1 to 200/],
    ["priority as a word", { priority: "urgent" }, /priority is "urgent".*0 to 100.*"high"/],
    ["priority as a number", { priority: 101 }, /priority is 101.*0 to 100/],
    ["priority as a name that every object has", { priority: "constructor" }, /priority is "constructor"/],
    ["retry.maxAttempts", { retry: { maxAttempts: 0 } }, /maxAttempts is 0.*1 to 10000/],
    ["an unknown one in retry", { retry: { attempts: 5 } }, /"attempts".*maxAttempts/],
    ["retry.backoff", { retry: { backoff: "slow" } }, /backoff .* is "slow".*exponential/],
    ["a function in retry, which nobody could store", { retry: { backoff: () => 5 } }, /backoff .* a function.*task/],
    ["retry itself", { retry: 5 }, /retry is 5.*object/],
    ["timeout", { timeout: "soon" }, /timeout is "soon".*"5m"/],
    ["no time at all", { timeout: 0 }, /timeout is 0.*above zero/],
    ["backpressure.limit", { backpressure: { limit: 0 } }, /backpressure\.limit is 0.*1 to/],
    ["backpressure.warnAt", { backpressure: { warnAt: 1.5 } }, /backpressure\.warnAt is 1\.5/],
    ["backpressure.onLimit", { backpressure: { onLimit: "drop" } }, /onLimit is "drop".*"refuse" or "wait"/],
    ["an unknown one in backpressure", { backpressure: { max: 5 } }, /backpressure.* "max".*warnAt, limit, onLimit/],
    ["retention.completed", { retention: { completed: "a day" } }, /retention\.completed is "a day"/],
    ["retention.discarded", { retention: { discarded: -1 } }, /retention\.discarded is -1/],
    ["an unknown one in retention", { retention: { failed: "1d" } }, /retention.* "failed".*completed, discarded/],
    ["retention itself", { retention: null }, /retention is null.*object/],
    ["payloadLimit", { payloadLimit: 0 }, /payloadLimit is 0.*1 to/],
    ["workers", { workers: -1 }, /workers is -1.*0 to 1000/],
    ["workers without tasks", { workers: 1 }, /no tasks/],
    ["tasks", { tasks: "resize" }, /tasks is "resize".*list/],
    ["one of the tasks", { tasks: [task({ name: "ok", run: () => 1 }), () => 1] }, /tasks\[1\].*task\(/],
    ["onError", { onError: "log" }, /onError is "log".*function/],
    ["random", { random: 0.5 }, /random is 0\.5.*function/],
    ["clock", { clock: Date }, /clock .*now\(\) and timer\(\)/],
  ])("%s", async (_, options, message) => {
    await expect(open(":memory:", options as ConnectOptions)).rejects.toMatchObject({
      code: expect.stringMatching(/^QUEUACK_INVALID_(OPTION|TASK)$/),
      message: expect.stringMatching(message),
    });
  });

  test("no object at all", async () => {
    await expect(open(":memory:", null as never)).rejects.toMatchObject({ code: "QUEUACK_INVALID_OPTION" });
  });

  test("are noticed before a file is made", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    await expect(open(path, { workers: 1.5 })).rejects.toMatchObject({ code: "QUEUACK_INVALID_OPTION" });
    expect(existsSync(path)).toBe(false);
  });
});

describe("workers that start with the queue", () => {
  const hello = task({ name: "hello", run: async ({ input }: { input: string }) => `hello ${input}` });

  test("run its tasks, and stop with it", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const q = await open(path, { tasks: [hello], workers: 2, worker: { concurrency: 3 } });
    const workers = await q.listWorkers();
    expect(workers).toHaveLength(2);
    expect(workers).toMatchObject([
      { state: "running", concurrency: 3, tasks: ["hello"] },
      { state: "running", concurrency: 3, tasks: ["hello"] },
    ]);
    expect(await (await q.enqueue(hello, "world")).result()).toBe("hello world");
    await q.close();
    await using later = await open(path);
    expect(await later.listWorkers()).toMatchObject([{ state: "stopped" }, { state: "stopped" }]);
  });

  test("that can't start leave nothing open", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const wrong = open(path, { tasks: [hello], workers: 2, worker: { concurrency: 0 } });
    await expect(wrong).rejects.toMatchObject({ code: "QUEUACK_INVALID_OPTION" });
    // Whoever closes last tidies the write-ahead log away.
    expect([existsSync(path), existsSync(`${path}-wal`)]).toEqual([true, false]);
    await using q = await open(path);
    expect((await q.listWorkers()).filter(({ state }) => state === "running")).toEqual([]);
  });

  test("live on the clock of the connection", async () => {
    const clock = new FakeClock();
    await using q = await open(":memory:", { clock, tasks: [hello], workers: 1 });
    const job = await q.enqueue(hello, "later", { delay: "10s" });
    await clock.advance("9s");
    expect((await job.get()).state).toBe("scheduled");
    await clock.advance("1s");
    expect(await job.result()).toBe("hello later");
  });
});

describe("a database in a thread of its own", () => {
  const double = task({ name: "double", run: async ({ input }: { input: number }) => input * 2 });

  test.each([":memory:", "file"])("behaves as one in this: %s", async (kind) => {
    const path = kind === "file" ? join(temporaryFolder(), "jobs.db") : kind;
    await using q = await open(path, { thread: true, tasks: [double], workers: 1 });
    const told = q.events({ names: ["job:completed"] })[Symbol.asyncIterator]();
    const jobs = await q.enqueueMany(
      double,
      Array.from({ length: 50 }, (_, n) => n),
    );
    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual(jobs.map((_, n) => n * 2));
    const first = await told.next();
    expect(jobs.map(({ id }) => id)).toContain(first.value.id);
    const batch = await q.batch("pair", { task: double, inputs: [1, 2] }, { onComplete: [double, 21] });
    expect((await batch.wait()).completed).toBe(2);
    expect(await (await q.enqueue(double, 4, { delay: "1ms" })).result()).toBe(8);
  });

  test("takes no clock, and is asked for with true or false", async () => {
    await expect(open(":memory:", { thread: true, clock: new FakeClock() })).rejects.toMatchObject({
      code: "QUEUACK_UNSUPPORTED",
    });
    await expect(open(":memory:", { thread: 1 as never })).rejects.toMatchObject({ code: "QUEUACK_INVALID_OPTION" });
  });
});

test("connect() answers with a Queue", async () => {
  await using q = await open(":memory:");
  expect(q).toBeInstanceOf(Queue);
});

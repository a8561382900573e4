import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { task } from "../../core/task.ts";
import { openConnection } from "../../storage/sqlite/database.ts";
import { verifyDatabase } from "../../storage/sqlite/verify.ts";
import { FakeClock } from "../../testing/fake-clock.ts";
import { Gate } from "../../worker/fixtures/test-house.ts";
import { connect } from "../connect.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import type { Job } from "../job.ts";
import type { PoolOptions } from "./options.ts";
import type { PoolProcessStatus, PoolTrouble } from "./pool-process.ts";

const fixture = (name: string) => new URL(`fixtures/${name}`, import.meta.url);
const modules = [fixture("tasks.mjs")];
const newFile = () => join(temporaryFolder(), "jobs.db");
interface Where {
  readonly pid: number;
  readonly attempt: number;
}

/** Hooks that remember, and a way to wait for what they are told. */
function watching() {
  const changes: PoolProcessStatus[] = [];
  const troubles: PoolTrouble[] = [];
  const looks = new Set<() => void>();
  const hear = <T>(list: T[]) => ({
    told: (value: T) => {
      list.push(value);
      for (const look of looks) look();
    },
  });
  const until = <T>(find: () => T | undefined | false) =>
    new Promise<T>((resolve) => {
      const look = () => {
        const found = find();
        if (found === undefined || found === false) return;
        looks.delete(look);
        resolve(found as T);
      };
      looks.add(look);
      look();
    });
  const hooks = { onChange: hear(changes).told, onError: hear(troubles).told } satisfies Partial<PoolOptions>;
  return { changes, troubles, hooks, until };
}

function alive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const state = (status: PoolProcessStatus) => status.state;
const pids = (pool: { status(): { processes: readonly PoolProcessStatus[] } }) =>
  pool.status().processes.map(({ pid }) => pid as number);

describe("a pool of worker processes", () => {
  test("runs the jobs in processes of its own, and leaves none of them", async () => {
    await using q = await connect(newFile());
    const { hooks, changes, troubles } = watching();
    const pool = q.workers({ processes: 2, modules, concurrency: 1, ...hooks });
    expect(pool.status()).toEqual({ state: "idle", wanted: 2, running: 0, processes: [] });
    await pool.start();
    const { processes, ...status } = pool.status();
    expect(status).toEqual({ state: "running", wanted: 2, running: 0 });
    expect(processes.map(state)).toEqual(["running", "running"]);
    const workers = (await q.listWorkers()).filter((worker) => worker.state === "running");
    expect(processes.map(({ pid, worker }) => [pid, worker])).toEqual(
      expect.arrayContaining(workers.map(({ pid, id }) => [pid, id])),
    );
    const jobs = await q.enqueueMany("where", Array(20).fill({ ms: 5 }));
    const ran = (await Promise.all(jobs.map((job) => job.result()))) as Where[];
    expect(new Set(ran.map(({ pid }) => pid))).toEqual(new Set(pids(pool)));
    await pool.stop();
    expect(pool.status()).toEqual({ state: "stopped", wanted: 2, running: 0, processes: [] });
    expect(processes.filter(({ pid }) => alive(pid as number))).toEqual([]);
    expect(changes.map(state).sort()).toEqual(
      ["running", "starting", "stopped", "stopping"].flatMap((one) => [one, one]),
    );
    expect(changes.at(-1)?.lastExit).toMatchObject({ code: 0, signal: null });
    expect(troubles).toEqual([]);
    expect((await q.listWorkers()).map((worker) => worker.state)).toEqual(["stopped", "stopped"]);
  });

  test("a process connects as its parent did", async () => {
    await using q = await connect(newFile(), {
      tenant: "acme",
      queue: "work",
      timeout: "1h",
      onError: () => undefined,
    });
    await q.workers({ processes: 1, modules, queues: ["work"], tenant: "acme" }).start();
    const job = await q.enqueue("where");
    await job.result();
    expect(await job.get()).toMatchObject({ tenant: "acme", queue: "work", state: "completed" });
  });

  test("status tells of running jobs; closing the queue stops the pool", async () => {
    const q = await connect(newFile());
    const { hooks, until } = watching();
    const pool = q.workers({ processes: 1, modules, shutdownGrace: 0, ...hooks });
    await pool.start();
    const [pid = 0] = pids(pool);
    const job = await q.enqueue("hold");
    await vi.waitFor(() => expect(pool.status()).toMatchObject({ running: 1, processes: [{ running: 1 }] }));
    await q.close();
    await until(() => pool.status().state === "stopped");
    expect(alive(pid)).toBe(false);
    void job;
  });

  test("one that is killed is replaced; its job goes back and is an attempt", async () => {
    await using q = await connect(newFile());
    const { hooks, troubles, changes, until } = watching();
    const pool = q.workers({ processes: 2, modules, concurrency: 1, ...hooks });
    await pool.start();
    const job: Job<Where> = (await q.enqueue("where", { ms: 400 }, { maxAttempts: 3, backoff: "fixed" })) as Job<Where>;
    const [busy] = await vi.waitFor(() => {
      const found = pool.status().processes.filter(({ running }) => running === 1);
      expect(found).toHaveLength(1);
      return found as [PoolProcessStatus];
    });
    process.kill(busy.pid as number, "SIGKILL");
    const killed = performance.now();
    const again = await until(() => changes.find(({ state, restarts }) => state === "running" && restarts === 1));
    expect(again.number).toBe(busy.number);
    expect(again.pid).not.toBe(busy.pid);
    expect(again.lastExit).toMatchObject({ code: null, signal: "SIGKILL" });
    expect(performance.now() - killed).toBeGreaterThan(90);
    expect(troubles[0]).toMatchObject({
      during: "exit",
      message: `Worker process ${busy.pid} ended: signal SIGKILL. Another one starts in 100 ms.`,
      process: { number: busy.number, state: "waiting-to-restart", pid: null },
    });
    expect(await job.result()).toMatchObject({ attempt: 2 });
    expect(await job.attempts()).toMatchObject([{ attempt: 1, outcome: "crashed" }]);
  });

  test("processes that are killed at random: every job is completed once, and every crash is an attempt", async () => {
    const path = newFile();
    await using q = await connect(path);
    const { hooks, troubles, changes, until } = watching();
    const pool = q.workers({ processes: 3, modules, concurrency: 4, ...hooks });
    await pool.start();
    const jobs = (await q.enqueueMany("where", Array(120).fill({ ms: 40 }), { maxAttempts: 100 })) as Job<Where>[];
    const results = Promise.all(jobs.map((job) => job.result()));
    for (let kills = 1; kills <= 6; kills++) {
      const victim = await until(() => {
        const living = pool.status().processes.filter(({ state }) => state === "running");
        return living[Math.floor(Math.random() * living.length)];
      });
      process.kill(victim.pid as number, "SIGKILL");
      // The next dies while the last one's place is empty, starting or new.
      await until(() => changes.filter(({ state }) => state === "waiting-to-restart").length === kills);
    }
    const ran = await results;
    const [stats] = await q.stats();
    expect(stats?.counts).toMatchObject({ completed: 120, available: 0, running: 0, retryable: 0, discarded: 0 });
    const crashes = (await Promise.all(jobs.map((job) => job.attempts()))).flat();
    expect(new Set(crashes.map(({ outcome }) => outcome))).toEqual(new Set(crashes.length > 0 ? ["crashed"] : []));
    expect(ran.reduce((sum, { attempt }) => sum + attempt - 1, 0)).toBe(crashes.length);
    expect(troubles.every(({ during }) => during === "exit")).toBe(true);
    await pool.stop();
    const db = openConnection(path);
    expect(verifyDatabase(db)).toEqual([]);
    db.close();
  });

  test("a task that ends its process costs an attempt, and the process comes back", async () => {
    await using q = await connect(newFile());
    const { hooks, troubles } = watching();
    const pool = q.workers({ processes: 1, modules, ...hooks });
    await pool.start();
    const job = await q.enqueue("fatal", null, { maxAttempts: 1 });
    await expect(job.result()).rejects.toMatchObject({ code: "QUEUACK_JOB_FAILED" });
    expect(await job.get()).toMatchObject({ state: "discarded", outcome: "crashed" });
    expect(troubles[0]?.message).toContain("exit code 7");
    expect(((await (await q.enqueue("where")).result()) as Where).pid).toBe(pids(pool)[0]);
  });

  test("a process that is sent SIGTERM drains, and another one takes its place", async () => {
    await using q = await connect(newFile());
    const { hooks, changes, until } = watching();
    const pool = q.workers({ processes: 1, modules, ...hooks });
    await pool.start();
    const [first = 0] = pids(pool);
    const job = (await q.enqueue("where", { ms: 300 })) as Job<Where>;
    await vi.waitFor(() => expect(pool.status().running).toBe(1));
    process.kill(first, "SIGTERM");
    await until(() => changes.find(({ restarts, state }) => restarts === 1 && state === "running"));
    expect(await job.result()).toEqual({ pid: first, attempt: 1 });
    expect(changes.map(state)).toEqual([
      "starting",
      "running",
      "stopping",
      "waiting-to-restart",
      "starting",
      "running",
    ]);
  });

  test("grows, and shrinks without a job lost", async () => {
    await using q = await connect(newFile());
    const pool = q.workers({ processes: 3, modules, concurrency: 1 });
    await pool.scale(1);
    await pool.start();
    expect(pids(pool)).toHaveLength(1);
    await pool.scale(3);
    const all = pids(pool);
    expect(pool.status()).toMatchObject({ wanted: 3, processes: [{ state: "running" }, {}, { state: "running" }] });
    const jobs = (await q.enqueueMany("where", Array(6).fill({ ms: 200 }))) as Job<Where>[];
    await vi.waitFor(() => expect(pool.status().running).toBe(3));
    await pool.scale(1);
    expect(pids(pool)).toEqual(all.slice(0, 1));
    expect(all.filter(alive)).toEqual(all.slice(0, 1));
    const ran = await Promise.all(jobs.map((job) => job.result()));
    expect(ran.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 1]);
    await expect(pool.scale(0)).rejects.toMatchObject({ code: "QUEUACK_INVALID_OPTION" });
    await pool.stop();
    await expect(pool.scale(2)).rejects.toMatchObject({ code: "QUEUACK_NOT_ALLOWED" });
    await expect(pool.start()).rejects.toMatchObject({ code: "QUEUACK_NOT_ALLOWED" });
  });

  test("one that hears nobody is killed after its grace, and another one has its job", async () => {
    await using q = await connect(newFile());
    const { hooks, until, troubles } = watching();
    const pool = q.workers({ processes: 1, modules, ...hooks });
    await pool.start();
    const job = await q.enqueue("deaf", null, { maxAttempts: 1 });
    await vi.waitFor(async () => expect((await job.get()).state).toBe("running"));
    const [pid = 0] = pids(pool);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const stopped = pool.stop({ grace: "1s" });
    vi.advanceTimersByTime(10_999);
    expect(troubles).toEqual([]);
    vi.advanceTimersByTime(1);
    vi.useRealTimers();
    await stopped;
    expect(await until(() => troubles[0])).toMatchObject({
      during: "stop",
      message: `Worker process ${pid} did not end 11000 ms after it had been told to, and is killed.`,
    });
    expect(alive(pid)).toBe(false);
  });
});

describe("a pool that can't start", () => {
  test.each([
    ["nowhere.mjs", { code: "QUEUACK_UNKNOWN_MODULE" }],
    ["throwing.mjs", { code: "QUEUACK_INVALID_TASK", cause: { name: "TypeError", message: "no configuration" } }],
    ["exiting.mjs", { code: "QUEUACK_PROCESS_FAILED", message: expect.stringContaining("exit code 9") }],
    ["multiplying.mjs", { code: "QUEUACK_INVALID_TASK", cause: { code: "QUEUACK_NOT_ALLOWED" } }],
  ])("says why: %s", async (module, error) => {
    await using q = await connect(newFile());
    const { hooks, changes } = watching();
    const pool = q.workers({ processes: 2, modules: [fixture(module)], ...hooks });
    await expect(pool.start()).rejects.toMatchObject(error);
    const { state, processes } = pool.status();
    expect(state).toBe("stopped");
    expect(processes[0]).toMatchObject({ state: "failed", restarts: 0, pid: null });
    expect(changes.filter(({ pid }) => pid !== null && alive(pid))).toEqual([]);
  });

  test("growing by what can't start leaves the others at work", async () => {
    await using q = await connect(newFile());
    const pool = q.workers({ processes: 1, modules, execArgv: [] });
    await pool.start();
    vi.spyOn(process, "execPath", "get").mockReturnValue("/nowhere/node");
    onTestFinished(() => void vi.restoreAllMocks());
    await expect(pool.scale(3)).rejects.toMatchObject({ code: "ENOENT" });
    vi.restoreAllMocks();
    expect(pool.status()).toMatchObject({ state: "running", wanted: 1, processes: [{ state: "running" }] });
    await (await q.enqueue("where")).result();
  });

  test("one that is stopped while it starts has nothing to say", async () => {
    await using q = await connect(newFile());
    const pool = q.workers({ processes: 2, modules });
    const started = pool.start();
    await pool.stop();
    await started;
    expect(pool.status()).toMatchObject({ state: "stopped", processes: [] });
  });

  test("a queue with a clock or a draw of its own has no processes", async () => {
    await using timed = await connect(":memory:", { clock: new FakeClock() });
    expect(() => timed.workers({ processes: 1, modules })).toThrow(/option clock of connect\(\) can't be handed/);
    await expect(timed.broker.share({ reason: "a test" })).rejects.toMatchObject({ code: "QUEUACK_UNSUPPORTED" });
    await using drawn = await connect(":memory:", { random: () => 0.5 });
    expect(() => drawn.workers({ processes: 1, modules })).toThrow(/option random of connect\(\)/);
  });
});

describe("a queue in memory with worker processes", () => {
  test("becomes a file by itself, says so once, and goes with the queue", async () => {
    const told: unknown[] = [];
    const q = await connect(":memory:", { onError: (error) => told.push(error) });
    const [started, gate] = [new Gate(), new Gate()];
    const inline = task({
      name: "inline",
      run: async ({ progress }) => {
        started.open();
        await gate.passed;
        await progress(0.5);
        return process.pid;
      },
    });
    await q.worker({ tasks: [inline] }).start();
    const here = await q.enqueue(inline, undefined);
    await started.passed;
    const jobs = (await q.enqueueMany("where", Array(50).fill({}))) as Job<Where>[];
    const results = Promise.all(jobs.map((job) => job.result()));
    const before = await here.get();
    const pool = q.workers({ processes: 2, modules });
    await pool.start();
    const { url, temporary } = await q.broker.share({ reason: "the test" });
    expect(temporary).toBe(true);
    expect((await results).every(({ pid }) => pids(pool).includes(pid))).toBe(true);
    expect(await here.get()).toMatchObject({ state: "running", worker: before.worker, attempt: 1 });
    gate.open();
    expect(await here.result()).toBe(process.pid);
    expect(((await (await q.enqueue("where")).result()) as Where).attempt).toBe(1);
    await q.workers({ processes: 1, modules }).start();
    expect(told).toMatchObject([{ code: "QUEUACK_MEMORY_MOVED", details: { url, reason: "worker processes" } }]);
    const db = openConnection(url);
    expect(verifyDatabase(db)).toEqual([]);
    db.close();
    await q.close();
    expect(existsSync(dirname(url))).toBe(false);
  });

  test("without onError, it is a warning of the process", async () => {
    const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
    onTestFinished(() => void warn.mockRestore());
    await using q = await connect(":memory:");
    await q.broker.share({ reason: "worker processes" });
    expect(warn).toHaveBeenCalledOnce();
    expect((warn.mock.calls[0] as [Error])[0].message).toMatch(
      /^The queue in memory went to a temporary file for worker processes: .*\. Give connect\(\) a file/,
    );
  });
});

describe("a program with a pool", () => {
  /** Starts it; what it says, and its end together with that of all its processes. */
  function start(...args: string[]) {
    const child: ChildProcess = spawn(process.execPath, [fileURLToPath(fixture("program.mjs")), ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let said = "";
    const looks = new Set<() => void>();
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      for (const look of looks) look();
    });
    const until = (pattern: RegExp) =>
      new Promise<RegExpExecArray>((resolve) => {
        const look = () => {
          const found = pattern.exec(said);
          if (found) resolve(found);
        };
        looks.add(look);
        look();
      });
    // The processes hold the same pipe: it closes when the last of them has ended.
    const over = once(child, "close") as Promise<[number | null, string | null]>;
    return { child, until, over, said: () => said };
  }

  test.each(["SIGTERM", "SIGINT"] as const)("%s drains all processes", async (signal) => {
    const { child, until, over, said } = start(newFile(), "2");
    await until(/^ready/m);
    child.kill(signal);
    await until(/^stopping/m);
    // The job holds on to its process until a second signal ends all at once.
    child.kill(signal);
    expect(await over).toEqual([signal === "SIGTERM" ? 143 : 130, null]);
    expect(said().match(/^stopping/gm)).toHaveLength(2);
  });

  test("one that is killed takes its processes along, and leaves no worker behind", async () => {
    const path = newFile();
    const { child, until, over } = start(path, "2");
    await until(/^ready/m);
    const [pid] = [...(await until(/^running (\d+)/m))].slice(1).map(Number);
    child.kill("SIGKILL");
    expect(alive(pid as number)).toBe(true);
    await using q = await connect(path);
    for (const job of (await q.jobs.list({ states: ["running"] })).items) await q.jobs.cancel(job.id);
    await over;
    expect((await q.listWorkers()).map((worker) => worker.state)).toEqual(["stopped", "stopped"]);
  });

  test("one that is killed with a queue in memory takes them along at once", async () => {
    const { child, until, over } = start(":memory:", "2");
    const [, url = ""] = await until(/^ready (.*)$/m);
    expect(existsSync(url)).toBe(true);
    child.kill("SIGKILL");
    await over;
  });
});

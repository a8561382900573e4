import { describe, expect, onTestFinished, test, vi } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { connect } from "../connect.ts";
import type { Job } from "../job.ts";
import {
  alive,
  eventually,
  fixture,
  modules,
  newFile,
  pids,
  state,
  type Where,
  watching,
} from "./fixtures/watching.ts";

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
    expect(changes.filter(({ state }) => state === "starting").every(({ pid }) => Number(pid) > 0)).toBe(true);
    expect(changes.at(-1)?.lastExit).toMatchObject({ code: 0, signal: null });
    expect(troubles).toEqual([]);
    expect((await q.listWorkers()).map((worker) => worker.state)).toEqual(["stopped", "stopped"]);
  });

  test("a process connects as its parent did", async () => {
    await using q = await connect(newFile(), {
      tenant: "acme",
      queue: "work",
      priority: 7,
      onError: () => undefined,
    });
    await q.workers({ processes: 1, modules, queues: ["work"], tenant: "acme" }).start();
    const id = (await (await q.enqueue("chain")).result()) as string;
    await q.job(id).result();
    expect(await q.jobs.get(id)).toMatchObject({ tenant: "acme", queue: "work", priority: 7 });
  });

  test("status tells of running jobs; closing the queue stops the pool", async () => {
    const q = await connect(newFile());
    const { hooks, until } = watching();
    const pool = q.workers({ processes: 1, modules, shutdownGrace: 0, ...hooks });
    await pool.start();
    const [pid = 0] = pids(pool);
    const job = await q.enqueue("hold");
    await eventually(() => expect(pool.status()).toMatchObject({ running: 1, processes: [{ running: 1 }] }));
    await q.close();
    await until(() => pool.status().state === "stopped");
    expect(alive(pid)).toBe(false);
    void job;
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
    await eventually(() => expect(pool.status().running).toBe(3));
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
    await eventually(async () => expect((await job.get()).state).toBe("running"));
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

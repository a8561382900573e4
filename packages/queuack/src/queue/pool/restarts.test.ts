import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openConnection } from "../../storage/sqlite/database.ts";
import { verifyDatabase } from "../../storage/sqlite/verify.ts";
import { connect } from "../connect.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import type { Job } from "../job.ts";
import { eventually, modules, newFile, pids, state, type Where, watching } from "./fixtures/watching.ts";
import type { PoolProcessStatus } from "./pool-process.ts";

describe("a process that ends unasked", () => {
  test("one that is killed is replaced; its job goes back and is an attempt", async () => {
    await using q = await connect(newFile());
    const { hooks, troubles, changes, until } = watching();
    const pool = q.workers({ processes: 2, modules, concurrency: 1, ...hooks });
    await pool.start();
    const job: Job<Where> = (await q.enqueue("where", { ms: 400 }, { maxAttempts: 3, backoff: "fixed" })) as Job<Where>;
    const [busy] = await eventually(() => {
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

  test("processes that are killed at random: every job is completed once, and every crash is an attempt", {
    timeout: 90_000,
  }, async () => {
    const path = newFile();
    await using q = await connect(path);
    const { hooks, troubles, changes, until } = watching();
    const pool = q.workers({ processes: 3, modules, concurrency: 4, ...hooks });
    await pool.start();
    const jobs = (await q.enqueueMany("where", Array(120).fill({ ms: 200 }), { maxAttempts: 100 })) as Job<Where>[];
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
    expect(new Set(crashes.map(({ outcome }) => outcome))).toEqual(new Set(["crashed"]));
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

  test("what can't be started again is tried again, after longer and longer waits; its jobs go back meanwhile", async () => {
    const folder = temporaryFolder();
    const module = join(folder, "tasks.mjs");
    const hold = `({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve))`;
    writeFileSync(module, `export const hold = { name: "hold", options: { name: "hold", run: ${hold} } };`);
    await using q = await connect(newFile());
    const { hooks, troubles, until } = watching();
    const pool = q.workers({ processes: 1, modules: [module], ...hooks });
    await pool.start();
    const job = await q.enqueue("hold", null, { backoff: { backoff: "fixed", delay: "1h", jitter: "none" } });
    await eventually(() => expect(pool.status().running).toBe(1));
    renameSync(module, `${module}.away`);
    process.kill(pids(pool)[0] as number, "SIGKILL");
    await eventually(async () => expect((await job.get()).state).toBe("retryable"));
    await until(() => troubles.length === 3);
    expect(troubles.map(({ during }) => during)).toEqual(["exit", "start", "start"]);
    expect(troubles[1]).toMatchObject({ error: { code: "QUEUACK_UNKNOWN_MODULE" } });
    expect(troubles.map(({ message }) => /in (\d+) ms/.exec(message)?.[1])).toEqual(["100", "200", "400"]);
    renameSync(`${module}.away`, module);
    await until(() => pool.status().processes[0]?.state === "running");
    expect(pool.status().processes[0]?.restarts).toBeGreaterThanOrEqual(3);
  });

  test("a process that is sent SIGTERM drains, and another one takes its place", async () => {
    await using q = await connect(newFile());
    const { hooks, changes, until } = watching();
    const pool = q.workers({ processes: 1, modules, ...hooks });
    await pool.start();
    const [first = 0] = pids(pool);
    const job = (await q.enqueue("where", { ms: 300 })) as Job<Where>;
    await eventually(() => expect(pool.status().running).toBe(1));
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
});

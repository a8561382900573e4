import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { task } from "../../core/task.ts";
import { openConnection } from "../../storage/sqlite/database.ts";
import { verifyDatabase } from "../../storage/sqlite/verify.ts";
import { Gate } from "../../worker/fixtures/test-house.ts";
import { connect } from "../connect.ts";
import type { Job } from "../job.ts";
import { alive, fixture, modules, newFile, pids, type Where } from "./fixtures/watching.ts";

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
      // A group of its own, as a terminal makes one for a command.
      detached: true,
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

  test("SIGTERM drains all processes; a second one ends all at once", async () => {
    const { child, until, over, said } = start(newFile(), "2");
    await until(/^ready/m);
    child.kill("SIGTERM");
    await until(/^stopping/m);
    // The job holds on to its process for the whole grace.
    child.kill("SIGTERM");
    expect(await over).toEqual([143, null]);
    expect(said().match(/^stopping/gm)).toHaveLength(2);
    expect(said()).not.toMatch(/^over/m);
  });

  test("Ctrl+C reaches all processes, and the program decides: they drain", async () => {
    const path = newFile();
    const { child, until, over, said } = start(path, "2");
    await until(/^ready/m);
    process.kill(-(child.pid as number), "SIGINT");
    await until(/^stopping/m);
    await using q = await connect(path);
    for (const job of (await q.jobs.list({ states: ["running"] })).items) await q.jobs.cancel(job.id);
    expect(await over).toEqual([0, null]);
    const told = said().match(/^(stopping|stopped .*|waiting-to-restart)/gm);
    expect(told?.sort()).toEqual(["stopped 0", "stopped 0", "stopping", "stopping"]);
    expect(said()).toMatch(/^over/m);
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

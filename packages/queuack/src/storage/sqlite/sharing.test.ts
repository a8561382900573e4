import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { newJobs, request } from "../conformance/scene.ts";
import type { Store } from "../store.ts";
import { openConnection } from "./database.ts";
import { temporaryFolder } from "./fixtures/test-store.ts";
import { ProcessLock } from "./process-lock.ts";
import { openSqliteStore } from "./sqlite-store.ts";
import { TemporaryHome } from "./temporary-home.ts";
import { verifyDatabase } from "./verify.ts";

const worker = { id: "w1", host: "here", pid: 1, tasks: ["work"], queues: ["default"], concurrency: 10 };

async function inMemory(clock = new FakeClock()): Promise<Store> {
  const store = await openSqliteStore({ path: ":memory:", clock });
  onTestFinished(() => store.close());
  return store;
}

describe("a queue in memory that is shared", () => {
  test("lies in a folder that only its user can enter, and goes with the store", async () => {
    const store = await inMemory();
    const { url, moved, temporary } = await store.share();
    expect({ moved, temporary }).toEqual({ moved: true, temporary: true });
    expect(dirname(dirname(url))).toBe(tmpdir());
    expect(statSync(dirname(url)).mode & 0o777).toBe(0o700);
    expect(readdirSync(`${url}-processes`), "its owner is known to live").toHaveLength(1);
    await store.close();
    expect(existsSync(dirname(url))).toBe(false);
  });

  test("a file is where it is", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const store = await openSqliteStore({ path, clock: new FakeClock() });
    expect(await store.share()).toEqual({ url: path, moved: false, temporary: false });
    await store.close();
    expect(existsSync(path)).toBe(true);
  });

  test("others see its jobs, take its workers for living, and respect its leases", async () => {
    const clock = new FakeClock();
    const store = await inMemory(clock);
    await store.workers.register({ worker });
    await store.jobs.insert({ jobs: newJobs(3) });
    const held = await store.jobs.claim(request({ limit: 1 }));
    const { url } = await store.share();
    const other = await openSqliteStore({ path: url, clock });
    onTestFinished(() => other.close());
    await other.workers.register({ worker: { ...worker, id: "w2" } });
    expect(await other.workers.findDead({})).toEqual([]);
    expect(await store.workers.findDead({})).toEqual([]);
    const taken = await other.jobs.claim(request({ worker: "w2", limit: 10 }));
    expect(taken.jobs).toHaveLength(2);
    const settlements = [...held.jobs, ...taken.jobs].map(({ id, token }) => ({
      id,
      token,
      to: "completed" as const,
      result: null,
    }));
    expect(await store.jobs.settle({ settlements })).toEqual(["accepted", "accepted", "accepted"]);
    const [stats] = await other.queues.stats({});
    expect(stats?.counts).toMatchObject({ available: 0, running: 0, completed: 3 });
    expect(verifyDatabase(openConnection(url))).toEqual([]);
  });

  test("who listened before hears of others at once, not at the next look of a second", async () => {
    const store = await inMemory();
    let heard: () => void = () => undefined;
    const stop = store.onForeignCommit(() => heard());
    const { url } = await store.share();
    expect(existsSync(`${url}-wal`), "there is a log to be watched").toBe(true);
    const other = await openSqliteStore({ path: url, clock: new FakeClock() });
    onTestFinished(() => other.close());
    const waits: number[] = [];
    for (let round = 0; round < 5; round++) {
      const told = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const started = performance.now();
      await other.jobs.insert({ jobs: newJobs(1) });
      await told;
      waits.push(performance.now() - started);
    }
    stop();
    expect(Math.min(...waits)).toBeLessThan(500);
  });

  test("a move that fails changes nothing, and may be tried again", async () => {
    const temporary = process.env.TMPDIR;
    onTestFinished(() => {
      process.env.TMPDIR = temporary ?? "";
      if (temporary === undefined) delete process.env.TMPDIR;
    });
    const store = await inMemory();
    await store.jobs.insert({ jobs: newJobs(1) });
    process.env.TMPDIR = join(temporaryFolder(), "nowhere");
    await expect(store.share()).rejects.toMatchObject({ code: "QUEUACK_STORE_FAILED" });
    expect(store.capabilities.shared).toBe(false);
    mkdirSync(process.env.TMPDIR);
    const { url, moved } = await store.share();
    expect({ moved, folder: dirname(dirname(url)) }).toEqual({ moved: true, folder: process.env.TMPDIR });
    expect((await store.jobs.list({ filter: {}, limit: 10 })).items).toHaveLength(1);
    await store.close();
  });
});

describe("what a killed process has left", () => {
  /** A folder as a process leaves it that had it for a while; its database's path. */
  function left(parent: string, name: string): string {
    const folder = join(parent, name);
    mkdirSync(folder);
    writeFileSync(join(folder, "jobs.db"), "");
    return join(folder, "jobs.db");
  }

  function grow(path: string): void {
    utimesSync(dirname(path), new Date(0), new Date(0));
  }

  test("is cleared away by the next one; what lives, is new, or is somebody else's stays", () => {
    const parent = temporaryFolder();
    const [dead, locked, young, other] = [
      left(parent, "queuack-memory-dead"),
      left(parent, "queuack-memory-living"),
      left(parent, "queuack-memory-young"),
      left(parent, "something-else"),
    ] as const;
    const [mine, theirs] = [new ProcessLock(dead), new ProcessLock(locked)];
    mine.hold();
    theirs.hold();
    // As it stands when a process has been killed: the lock's file is there, and nobody holds it.
    writeFileSync(join(`${dead}-processes`, "killed.lock"), "");
    mine.release();
    for (const path of [dead, locked, other]) grow(path);
    const home = new TemporaryHome(parent);
    home.clearLeftovers();
    assert.deepEqual(
      [dead, locked, young, other, home.folder].map((path) => existsSync(path)),
      [false, true, true, true, true],
    );
    theirs.release();
    grow(locked);
    home.clearLeftovers();
    expect(existsSync(locked)).toBe(false);
    home.leave();
    expect(readdirSync(parent).sort()).toEqual(["queuack-memory-young", "something-else"]);
  });
});

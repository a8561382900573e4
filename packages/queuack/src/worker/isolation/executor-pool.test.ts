import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { withFaults } from "../fixtures/test-house.ts";
import { IsolatedHouse, isAlive } from "./fixtures/isolated-house.ts";

let place: IsolatedHouse;
beforeEach(async () => {
  place = await IsolatedHouse.open();
});
afterEach(() => place.house.close());

describe("keeping processes", () => {
  test("as many as run at a time, and none for longer than it is wanted", async () => {
    const worker = await place.work({}, { concurrency: 3, isolation: { idle: "1m" } });
    const ran = await Promise.all(Array.from({ length: 9 }, () => place.result("echo")));
    const pids = [...new Set(ran.map(({ pid }) => pid))];
    expect(pids.length).toBeLessThanOrEqual(3);
    const { pid } = await place.result("echo");
    expect(pids).toContain(pid);
    await place.house.clock.advance("61s");
    expect(pids).not.toContain((await place.result("echo")).pid);
    await worker.stop();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test("one is replaced after so many runs, and after a run that left it too large", async () => {
    await place.work({}, { concurrency: 1, isolation: { maxRuns: 2 } });
    const pids: number[] = [];
    for (let n = 0; n < 4; n++) pids.push((await place.result("echo")).pid);
    expect([pids[0] === pids[1], pids[1] === pids[2], pids[2] === pids[3]]).toEqual([true, false, true]);
    await place.house.close();

    place = await IsolatedHouse.open();
    await place.work({}, { concurrency: 1, isolation: { maxMemory: 1 } });
    expect((await place.result("echo")).pid).not.toBe((await place.result("echo")).pid);
  });

  test("a task with a memory limit has processes of its own", async () => {
    await place.work({}, { tenant: "default" });
    const { pid } = await place.result("echo");
    await place.work({ memoryLimit: "100mb" }, { tenant: "other" });
    const id = await place.house.add("act", { kind: "echo" }, { tenant: "other" });
    const { result } = await place.house.finished(id);
    expect(JSON.parse(result as string).pid).not.toBe(pid);
  });

  test("a lost lease ends the handler at once, and its slot is free again", async () => {
    const lost = withFaults(place.broker, {
      renew: async ({ tokens }) => ({ lost: tokens, cancelled: [] }),
    });
    await place.work({ timeout: "1h" }, { concurrency: 1 }, lost);
    const { pid } = await place.result("echo");
    await place.add("spin");
    await place.saw("spinning");
    await place.house.clock.advance("10s");
    expect((await place.result("echo")).pid).not.toBe(pid);
    expect(isAlive(pid)).toBe(false);
  });
});

describe("what a handler leaves behind", () => {
  test("its late exit is not charged to the next job of the process", async () => {
    await place.work({}, { concurrency: 1 });
    await place.run("leaveExit");
    const { id, state } = await place.run("strike", 1);
    expect(state).toBe("completed");
    expect((await place.house.job(id)).attempt).toBe(1);
  });

  test("its late rejection is not charged to the next job, is told, and the process is replaced", async () => {
    await place.work({}, { concurrency: 1 });
    await place.run("leaveRejection");
    const { pid } = await place.result("strike");
    expect(place.house.troubles).toMatchObject([{ during: "isolation", error: { message: "left behind" } }]);
    expect((await place.result("echo")).pid).not.toBe(pid);
  });

  test("a process that somebody kills while it has no work is told, and costs no attempt", async () => {
    await place.work({}, { concurrency: 1 });
    const { pid } = await place.result("echo");
    process.kill(pid, "SIGKILL");
    // Handed to a process that is gone, or to a new one: either way it runs, on its only attempt.
    expect(await place.run("echo")).toMatchObject({ state: "completed" });
  });
});

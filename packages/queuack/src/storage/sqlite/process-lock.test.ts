import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "./fixtures/test-store.ts";
import { ProcessLock } from "./process-lock.ts";

const holder = fileURLToPath(new URL("fixtures/lock-holder.mjs", import.meta.url));

describe("ProcessLock", () => {
  test("who holds it is seen alive by others, who lets go is not", () => {
    const [mine, theirs, path] = pair();
    expect(mine.isAlive(theirs.instance), "not yet held").toBe(false);
    theirs.hold();
    theirs.hold();
    expect(mine.isAlive(theirs.instance)).toBe(true);
    expect(mine.isAlive(theirs.instance), "looking takes nothing away").toBe(true);
    theirs.release();
    theirs.release();
    expect(mine.isAlive(theirs.instance)).toBe(false);
    expect(readdirSync(`${path}-processes`), "nothing is left behind").toEqual([]);
  });

  test("one's own and unknown ones need no look at a file", () => {
    const [mine, theirs, path] = pair();
    expect(mine.isAlive(mine.instance)).toBe(true);
    expect(mine.isAlive(theirs.instance)).toBe(false);
    expect(existsSync(`${path}-processes`)).toBe(false);
  });

  test("in memory there is nobody else", () => {
    const lock = new ProcessLock(":memory:");
    lock.hold();
    expect(lock.isAlive(lock.instance)).toBe(true);
    expect(lock.isAlive("other")).toBe(false);
    lock.forget("other");
    lock.release();
  });

  test("each opening has a lock of its own, in one process as well", () => {
    const [one, two] = pair();
    one.hold();
    two.hold();
    expect([one.isAlive(two.instance), two.isAlive(one.instance)]).toEqual([true, true]);
    one.release();
    expect([one.isAlive(two.instance), two.isAlive(one.instance)]).toEqual([true, false]);
  });

  test("a process that is killed lets go of it that very moment", async () => {
    const [mine, , path] = pair();
    const child = spawn(process.execPath, [holder, path], { stdio: ["ignore", "pipe", "inherit"] });
    onTestFinished(() => void child.kill("SIGKILL"));
    const [said] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
    const instance = said.trim();
    expect(mine.isAlive(instance)).toBe(true);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(mine.isAlive(instance)).toBe(false);
    expect(readdirSync(`${path}-processes`)).toContain(`${instance}.lock`);
    mine.forget(instance);
    mine.forget(instance);
    expect(readdirSync(`${path}-processes`)).toEqual([]);
  });
});

/** Two locks on one queue's file, let go of when the test is over. */
function pair(): [ProcessLock, ProcessLock, string] {
  const path = join(temporaryFolder(), "jobs.db");
  const locks: [ProcessLock, ProcessLock] = [new ProcessLock(path), new ProcessLock(path)];
  onTestFinished(() => {
    for (const lock of locks) lock.release();
  });
  return [...locks, path];
}

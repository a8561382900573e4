import type { JobView } from "queuack";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  place.write(
    "app/tasks.ts",
    `import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { task } from "queuack";
enum Answer { Yes = "yes" }
export const who = task({ name: "who", run: () => ({ answer: Answer.Yes, pid: process.pid }) });
export const long = task({
  name: "long",
  run: async () => {
    console.log("long began");
    while (!existsSync("go")) await sleep(20);
  },
});
`,
  );
});
afterEach(() => place.clear());

test("worker processes run the jobs; one that dies is started anew; on SIGTERM what runs may end", async () => {
  const worker = place.start(["worker", "app/tasks.ts", "--processes", "2", "--concurrency", "1"]);
  const waited = await place.run(["enqueue", "who", "--wait", "20s", "-o", "json"]);
  const { result } = JSON.parse(waited.out) as { result: { answer: string; pid: number } };
  expect(result.answer).toBe("yes");
  expect(result.pid).not.toBe(worker.child.pid);

  process.kill(result.pid, "SIGKILL");
  await worker.saw(`Worker process ${result.pid} ended: signal SIGKILL. Another one starts in 100 ms.\n`);
  await worker.saw("starts, restart 1\n");

  const { id } = await place.json<{ id: string }>("enqueue", "long");
  await worker.saw("long began");
  worker.child.kill("SIGTERM");
  await worker.saw("stopping;");
  place.write("go", "");
  const { code, err } = await worker.ended;
  expect(code).toBe(0);
  for (const line of [
    /process 1 \(pid \d+\) runs worker \S+\n/,
    /process 2 stopped\n/,
    /worker processes stopped\.\n$/,
  ]) {
    expect(err).toMatch(line);
  }
  expect(await place.json<JobView>("jobs", "show", id)).toMatchObject({ state: "completed", attempt: 1 });
});

test("with -o json changes go to stdout, one a line; the modules may stand in the configuration", async () => {
  place.write("app/queuack.config.yaml", "modules: [tasks.ts]\n");
  place.write("app/deep/.keep", "");
  const worker = place.start(["worker", "--processes", "1", "-o", "json"], { cwd: place.path("app/deep") });
  await worker.saw("process:running");
  worker.child.kill("SIGINT");
  const { code, out } = await worker.ended;
  expect(code).toBe(0);
  const changes = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(changes.map(({ name }) => name)).toEqual(
    ["starting", "running", "stopping", "stopped"].map((s) => `process:${s}`),
  );
  expect(changes.at(-1)).toMatchObject({ number: 1, pid: null, lastExit: { code: 0, signal: null } });
});

test("what keeps the processes from starting is told with its exit code", async () => {
  place.write("empty.ts", "export const nothing = 1;\n");
  const [none, missing, empty, many] = await Promise.all([
    place.run(["worker", "--processes", "2"]),
    place.run(["worker", "nowhere.ts", "--processes", "1"]),
    place.run(["worker", "empty.ts", "--processes", "1"]),
    place.run(["worker", "app/tasks.ts", "--processes", "1000"]),
  ]);
  expect(none.err).toContain("No module was named.");
  expect(missing.err).toContain(`There is no module ${place.path("nowhere.ts")}.`);
  expect(empty.err).toContain("exports no task.");
  expect(many.err).toContain("processes is 1000.");
  expect([none, missing, empty, many].map(({ code }) => code)).toEqual([2, 3, 2, 2]);
});

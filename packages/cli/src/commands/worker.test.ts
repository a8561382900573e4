import { afterEach, beforeEach, expect, test } from "vitest";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  place.write(
    "tasks.ts",
    `import { task, type TaskContext } from "queuack";
enum Factor { Two = 2 }
export const double = task({
  name: "double",
  queue: "sums",
  run: ({ input }: TaskContext<{ n: number }>) => ({ twice: input.n * Factor.Two }),
});
export default [task({ name: "boom", retry: { maxAttempts: 1 }, run: () => { throw new Error("kaboom"); } })];
// What a module leaves open must not keep the process.
setInterval(() => undefined, 1_000_000);
`,
  );
});
afterEach(() => place.clear());

test("a worker runs the tasks of a TypeScript module, and exits with 0 on SIGTERM", async () => {
  const worker = place.start(["worker", "tasks.ts", "--concurrency", "2"]);
  await worker.saw("worker started on jobs.db with boom, double");

  // The module tells the queue; a job that it does not know would go to "default", where this one is heard as well.
  const waited = await place.run(["enqueue", "double", '{"n":21}', "--wait", "20s", "--module", "tasks.ts"]);
  expect(waited).toMatchObject({ code: 0, out: '{\n  "twice": 42\n}\n' });
  const many = ["enqueue", "double", '[{"n":1},{"n":2}]', "--many", "--wait", "20s", "--queue", "sums", "-o", "json"];
  expect(JSON.parse((await place.run(many)).out)).toMatchObject([{ result: { twice: 2 } }, { result: { twice: 4 } }]);

  const failed = await place.run(["enqueue", "boom", "--module", "tasks.ts", "--wait", "-o", "json"]);
  expect(failed).toMatchObject({ code: 4, out: "" });
  expect(failed.err).toContain("kaboom");

  worker.child.kill("SIGTERM");
  const { code, out, err } = await worker.ended;
  expect({ code, out }).toEqual({ code: 0, out: "" });
  for (const line of [
    "started double",
    "completed double",
    "discarded boom",
    "kaboom",
    "stopping",
    "worker stopped.",
  ]) {
    expect(err).toContain(line);
  }
});

test("with -o json a worker prints events on stdout, one a line; its modules may stand in the configuration", async () => {
  place.write("queuack.config.yaml", "modules: [tasks.ts]\nworker:\n  queues: { sums: 2, default: 1 }\n");
  // The configuration's modules tell the queue to enqueue as well.
  const { out } = await place.run(["enqueue", "double", '{"n":1}']);
  const worker = place.start(["worker", "-o", "json"]);
  await worker.saw("job:completed");
  worker.child.kill("SIGINT");
  const ended = await worker.ended;
  expect(ended.code).toBe(0);
  const events = ended.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(events).toMatchObject([
    { name: "job:started", id: out.trim(), queue: "sums", attempt: 1 },
    { name: "job:completed", id: out.trim() },
  ]);
});

test("a worker without modules, with a wrong module or wrong queues says so", async () => {
  place.write("empty.ts", "export const nothing = 1;\n");
  const [none, missing, empty, queues, unmet] = await Promise.all([
    place.run(["worker"]),
    place.run(["worker", "nowhere.ts"]),
    place.run(["worker", "empty.ts"]),
    place.run(["worker", "tasks.ts", "--queues", "a=1,b"]),
    place.run(["enqueue", "double", '{"n":1}', "--wait", "10ms"]),
  ]);
  expect(none.err).toContain("No module was named.");
  expect(missing.err).toContain("There is no module nowhere.ts.");
  expect(empty.err).toContain("The module empty.ts exports no task.");
  expect(queues.err).toContain("has no weight above 0");
  expect(unmet.err).toContain("QUEUACK_RESULT_TIMEOUT");
  expect([none, missing, empty, queues, unmet].map(({ code }) => code)).toEqual([2, 3, 2, 2, 5]);
});

// The task by itself: what only happens when packages change between the enqueue and the run.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { drain, expectEnqueued, runJob, testQueue } from "queuack/testing";
import { afterEach, beforeEach, test } from "vitest";
import { auditTask } from "./audit-task.ts";

const input = { path: "node_modules/one", version: "1.0.0" };

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "queuack-audit-task-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Installs a version of the one package. */
async function install(version: string): Promise<void> {
  await mkdir(join(root, input.path), { recursive: true });
  await writeFile(join(root, input.path, "package.json"), JSON.stringify({ version, license: "MIT" }));
}

const taskOf = () => auditTask({ root, keepLog: undefined, attempts: async () => [] });

test("it inspects the package that is there", async () => {
  await install("1.0.0");
  const run = await runJob(taskOf(), input);
  assert.equal(run.outcome, "completed");
  assert.equal(run.result?.licence, "MIT");
  assert.equal(run.result?.files, 1);
});

test("another version than was enqueued is not its job any more", async () => {
  await install("2.0.0");
  const run = await runJob(taskOf(), input);
  assert.equal(run.outcome, "discarded");
});

test("it stops between two files when it is told to", async () => {
  await install("1.0.0");
  const reason = new Error("stop");
  await assert.rejects(runJob(taskOf(), input, { signal: AbortSignal.abort(reason) }), reason);
});

test("what can't be read is tried five times, each time after a longer while", async () => {
  const audit = taskOf();
  // No user can read a folder as a file.
  await mkdir(join(root, input.path, "package.json"), { recursive: true });
  await using kit = await testQueue({ tasks: [audit] });
  const start = kit.clock.now();
  const job = await kit.q.enqueue(audit, { path: input.path, version: "unknown" });
  await expectEnqueued(kit.q, audit, { path: input.path }, { queue: "audit", count: 1 });
  const { discarded, failures } = await drain(kit.q, { advance: true });
  assert.deepEqual(discarded, [job.id]);
  assert.equal(failures.length, 5);
  // 100, 200, 400 and 800 ms.
  assert.equal(kit.clock.now() - start, 1_500);
});

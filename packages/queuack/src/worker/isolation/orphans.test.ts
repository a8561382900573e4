import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { handlers } from "./fixtures/isolated-house.ts";

/** A parent that has one process of its own, which does what it is told to; runs what is in dist. */
const parent = (kind: string) => `
import { connect, task } from "queuack";
const act = task({ name: "act", isolation: "process", module: ${JSON.stringify(handlers.href)}, run: () => 1 });
const q = await connect(":memory:");
q.broker.report = async (params) => (console.log("telling"), { lost: [] });
await q.worker({ tasks: [act] }).start();
await q.enqueue(act, { kind: "${kind}" });
`;

test.each(["spin", "untilAborted"])("a process whose parent is killed ends with it, also in %s", async (kind) => {
  const args = ["--input-type=module", "--eval", parent(kind)];
  const cwd = new URL(".", import.meta.url);
  const started = spawn(process.execPath, args, { cwd, stdio: ["ignore", "pipe", "inherit"] });
  // The handler's log line: its process lives, and holds the other end of the parent's stdout as well.
  await once(started.stdout, "data");
  started.kill("SIGKILL");
  // All of the stream's writers are gone, the parent and its child.
  expect(await once(started, "close")).toEqual([null, "SIGKILL"]);
});

test("a queue that is closed leaves nothing that keeps its process alive", async () => {
  const text = `${parent("echo").replace("await q.enqueue(act", "const job = await q.enqueue(act")}
await job.result();
await q.close();
`;
  const started = spawn(process.execPath, ["--input-type=module", "--eval", text], {
    cwd: new URL(".", import.meta.url),
    stdio: ["ignore", "inherit", "inherit"],
  });
  expect(await once(started, "exit")).toEqual([0, null]);
});

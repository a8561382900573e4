// Does one thing with a queue and prints how much memory the process then holds, and held at most, bytes.
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const { role, path, count, jobs } = JSON.parse(process.argv[2]);
const roles = { empty: async () => undefined, work, enqueue };

/** Opens a queue and runs some of its jobs, ten at once; it stays open. */
async function work() {
  const { connect } = await import("queuack");
  const { roomy } = await import("../crowd.mjs");
  const q = await connect(path, roomy);
  let ran = 0;
  /** @type {() => void} */
  let enough = () => undefined;
  /** @type {Promise<void>} */
  const over = new Promise((resolve) => {
    enough = resolve;
  });
  q.task("work", async () => {
    await sleep(5);
    if (++ran === jobs) enough();
  });
  const worker = q.worker({ concurrency: 10 });
  await worker.start();
  await over;
  worker.pause();
  return q;
}

/** Enqueues a crowd in chunks; the queue stays open. */
async function enqueue() {
  const { connect } = await import("queuack");
  const { enqueueCrowd, roomy } = await import("../crowd.mjs");
  const q = await connect(path, roomy);
  await enqueueCrowd(q, count);
  return q;
}

/** The most that this process held. What the system counts for a child may be its parent's, so its own status goes first. */
function peak() {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kilobytes ?? process.resourceUsage().maxRSS) * 1_024;
}

const q = await roles[/** @type {keyof typeof roles} */ (role)]();
await sleep(1_000);
const settled = process.memoryUsage.rss();
const most = peak();
await q?.close();
console.log(JSON.stringify({ settled, peak: most }));

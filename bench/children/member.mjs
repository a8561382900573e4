// One of many processes on a file: enqueues as fast as it can, a hundred at once, and runs jobs beside.
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "queuack";
import { jobInput } from "../cases.mjs";

/** How far it may be ahead of what it ran itself: nobody then fills the queue faster than all of them empty it. */
const AHEAD = 1_000;

const { path, seconds } = JSON.parse(process.argv[2]);
let ran = 0;
let enqueued = 0;
const q = await connect(path);
const work = q.task("work", async () => {
  ran++;
});
await q.worker({ concurrency: 100 }).start();

async function enqueueUntil(/** @type {number} */ end) {
  while (performance.now() < end) {
    if (enqueued - ran >= AHEAD) {
      await sleep(1);
      continue;
    }
    await q.enqueue(work, jobInput(enqueued));
    enqueued++;
  }
}

process.on("message", async () => {
  // The first half second warms up and is not counted.
  const start = performance.now() + 500;
  const lines = Promise.all(Array.from({ length: 100 }, () => enqueueUntil(start + seconds * 1_000)));
  await sleep(start - performance.now());
  const before = { ran, enqueued };
  await lines;
  const took = (performance.now() - start) / 1_000;
  process.send?.({ ran: (ran - before.ran) / took, enqueued: (enqueued - before.enqueued) / took });
  await q.close();
  process.disconnect();
});
process.on("disconnect", () => process.exit());
process.send?.("ready");

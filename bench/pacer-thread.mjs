// The thread of pacer.mjs: sleeps until each tick is due.
import { parentPort, workerData } from "node:worker_threads";

const { perSecond, ticks } = workerData;
const sleeper = new Int32Array(new SharedArrayBuffer(4));
// The threads of a process share their time, but each counts from an origin of its own.
const now = () => performance.timeOrigin + performance.now();
const start = now() + 10;
for (let n = 0; n < ticks; n++) {
  const at = start + (n * 1_000) / perSecond;
  const wait = at - now();
  if (wait > 0) Atomics.wait(sleeper, 0, 0, wait);
  parentPort?.postMessage({ n, at });
}

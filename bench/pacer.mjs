// An accurate pacer: a timer of Node's own is late by up to a millisecond and more.
import { Worker } from "node:worker_threads";
import { atEnd } from "./endings.mjs";

/**
 * Ticks at a steady rate, counted by a thread of its own, so that ticks reach the event loop as requests would: from
 * outside, and on time however busy it is. Resolves after the last tick.
 * @param {{ perSecond: number, ticks: number, onTick: (n: number, dueAt: number) => void }} params
 *   `dueAt`: when it was due, on this thread's `performance.now()`
 */
export async function startPacer({ perSecond, ticks, onTick }) {
  const thread = new Worker(new URL("pacer-thread.mjs", import.meta.url), { workerData: { perSecond, ticks } });
  const stop = atEnd(() => thread.terminate());
  const shift = performance.timeOrigin;
  /** @type {Promise<void>} */
  const over = new Promise((resolve, reject) => {
    thread.on("error", reject);
    thread.on("message", ({ n, at }) => {
      onTick(n, at - shift);
      if (n === ticks - 1) resolve();
    });
  });
  try {
    await over;
  } finally {
    await stop();
  }
}

// Works at a steady rate, or not at all; prints the share of a CPU that this took, percent of one.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "queuack";
import { jobInput } from "../cases.mjs";
import { endOnSignals, temporaryFolder } from "../endings.mjs";
import { startPacer } from "../pacer.mjs";

endOnSignals();
const { perSecond, seconds, withQueue } = JSON.parse(process.argv[2]);
const q = withQueue ? await connect(join(temporaryFolder("managing"), "jobs.db")) : null;
q?.task("work", async () => undefined);
await q?.worker().start();

const work = async (/** @type {number} */ forSeconds) => {
  if (perSecond === 0) return await sleep(forSeconds * 1_000);
  const onTick = (/** @type {number} */ n) => void q?.enqueue("work", jobInput(n));
  await startPacer({ perSecond, ticks: Math.round(perSecond * forSeconds), onTick });
};

// What is compiled and opened at first is not what managing jobs costs.
await work(1);
const before = process.cpuUsage();
const start = performance.now();
await work(seconds);
const { user, system } = process.cpuUsage(before);
const percent = (user + system) / (performance.now() - start) / 10;
await q?.close();
console.log(JSON.stringify({ percent }));

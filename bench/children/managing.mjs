// Works at a steady rate, or not at all; prints the share of a CPU that this took, percent of one: in all, and outside the kernel.
import { setTimeout as sleep } from "node:timers/promises";
import { jobInput } from "../cases.mjs";
import { endOnSignals } from "../endings.mjs";
import { startPacer } from "../pacer.mjs";
import { floor } from "../systems/floor.mjs";
import { queuack } from "../systems/queuack.mjs";

endOnSignals();
const { perSecond, seconds, system: name } = JSON.parse(process.argv[2]);
const system = [floor, queuack].find((one) => one.name === name);
const session = await system?.open();
const stop = await session?.work(10, async () => undefined);

const work = async (/** @type {number} */ forSeconds) => {
  if (perSecond === 0) return await sleep(forSeconds * 1_000);
  const onTick = (/** @type {number} */ n) => void session?.enqueue(jobInput(n));
  await startPacer({ perSecond, ticks: Math.round(perSecond * forSeconds), onTick });
};

// What is compiled and opened at first is not what managing jobs costs.
await work(1);
const before = process.cpuUsage();
const start = performance.now();
await work(seconds);
const { user, system: kernel } = process.cpuUsage(before);
const percent = (/** @type {number} */ micros) => micros / (performance.now() - start) / 10;
const used = { all: percent(user + kernel), user: percent(user) };
await stop?.();
await session?.close();
console.log(JSON.stringify(used));

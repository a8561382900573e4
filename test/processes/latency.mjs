/** How soon a job starts, and what an idle worker costs: `node test/processes/latency.mjs [--jobs n]`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect } from "queuack";
import { startChild } from "../crash/fixtures/child.mjs";
import { moment } from "../crash/fixtures/wire.mjs";

/** Bounds for the medians: ten times what is promised, for a busy machine, yet below what polling would take. */
const BOUND_MS = { elsewhere: 500, here: 20 };

/** How long a worker is left alone between two jobs, milliseconds. */
const restMs = 25;

/** Most that an idle worker may use of a core. */
const IDLE_SHARE = 0.1;

const { values: flags } = parseArgs({ options: { jobs: { type: "string", default: "40" } } });
const count = Number(flags.jobs);
const folder = mkdtempSync(join(tmpdir(), "queuack-latency-"));
/** Who waits for the start of a job. @type {Map<number, (at: number) => void>} */
const waiting = new Map();
/** @type {(share: number) => void} */
let tellIdle = () => undefined;
/** @type {Promise<number>} */
const idle = new Promise((resolve) => {
  tellIdle = resolve;
});

const path = join(folder, "elsewhere.db");
const runner = startChild(new URL("fixtures/runner.mjs", import.meta.url), {
  name: "runner",
  plan: { path },
  onLine: ([verb, ...words]) => {
    if (verb === "idle") tellIdle(Number(words[0]));
    else waiting.get(Number(words[0]))?.(Number(words[1]));
  },
});
await runner.ready;
if (!runner.alive) throw new Error((await runner.ended).stderr);
const share = await idle;
const client = await connect(path);
const elsewhere = await measure(client);
await client.close();
runner.process.send("stop");
await runner.ended;

const q = await connect(join(folder, "here.db"));
q.task("start", ({ input }) => {
  const { number } = /** @type {{ number: number }} */ (input);
  waiting.get(number)?.(moment());
});
const worker = q.worker({ concurrency: 1 });
await worker.start();
const here = await measure(q);
await q.close();
rmSync(folder, { recursive: true });

/**
 * Enqueues one job after another, each when the worker has come to rest: it claims again when a job has ended, and would
 * otherwise find the next one without having been told.
 * {import("queuack").Queue} queue
 */
async function measure(queue) {
  const fromCall = [];
  const fromAcknowledgement = [];
  for (let number = 0; number < count; number++) {
    /** @type {Promise<number>} */
    const starts = new Promise((resolve) => waiting.set(number, resolve));
    const called = moment();
    const job = await queue.enqueue("start", { number });
    const acknowledged = moment();
    const started = await starts;
    await job.result();
    await setTimeout(restMs);
    fromCall.push(started - called);
    fromAcknowledgement.push(started - acknowledged);
  }
  return { fromCall: fromCall.sort(ascending), fromAcknowledgement: fromAcknowledgement.sort(ascending) };
}

/** @param {number} a @param {number} b */
function ascending(a, b) {
  return a - b;
}

let failed = false;
for (const [where, { fromCall, fromAcknowledgement }] of Object.entries({ elsewhere, here })) {
  const at = (/** @type {number[]} */ list, /** @type {number} */ part) => list[Math.floor((list.length - 1) * part)];
  const [p50, p99] = [at(fromCall, 0.5), at(fromCall, 0.99)];
  const bound = BOUND_MS[/** @type {keyof typeof BOUND_MS} */ (where)];
  console.log(
    `start ${where}: ${p50.toFixed(2)} ms after the call (p50), ${p99.toFixed(2)} ms (p99); ` +
      `${at(fromAcknowledgement, 0.5).toFixed(2)} ms after the acknowledgement (p50)`,
  );
  if (p50 > bound) {
    failed = true;
    console.log(
      `FAILED: a job in ${where === "here" ? "the same" : "another"} process takes ${p50.toFixed(0)} ms to start`,
    );
  }
}
console.log(`an idle worker uses ${(share * 100).toFixed(2)} % of a core`);
if (share > IDLE_SHARE) {
  failed = true;
  console.log("FAILED: an idle worker is not idle");
}
process.exitCode = failed ? 1 : 0;

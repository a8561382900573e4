/** How soon a killed worker's job is claimed by another process on the same file: `node test/crash/notice.mjs [--rounds n]`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect } from "queuack";
import { startChild } from "./fixtures/child.mjs";
import { moment } from "./fixtures/wire.mjs";

/** What is promised is a second; twice that is a hang, on however busy a machine. */
const BOUND_MS = 2_000;

const { values: flags } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const rounds = Number(flags.rounds);
const folder = mkdtempSync(join(tmpdir(), "queuack-notice-"));
const path = join(folder, "jobs.db");
/** Who waits for the start of an attempt. @type {Map<number, (at: number) => void>} */
const waiting = new Map();

/** @param {number} attempt @returns {Promise<number>} when it started */
const attemptStarts = (attempt) => new Promise((resolve) => waiting.set(attempt, resolve));

async function startHolder() {
  const child = startChild(new URL("fixtures/holder.mjs", import.meta.url), {
    name: "holder",
    plan: { path },
    onLine: ([, attempt, at]) => waiting.get(Number(attempt))?.(Number(at)),
  });
  await child.ready;
  if (!child.alive) throw new Error((await child.ended).stderr);
  return child;
}

const figures = [];
const q = await connect(path);
const first = attemptStarts(1);
const backoff = { backoff: /** @type {const} */ ("fixed"), delay: 0, jitter: /** @type {const} */ ("none") };
const job = await q.enqueue("hold", {}, { maxAttempts: rounds + 2, backoff });
let holder = await startHolder();
await first;
for (let round = 1; round <= rounds; round++) {
  const heir = await startHolder();
  const next = attemptStarts(round + 1);
  const killed = moment();
  holder.process.kill("SIGKILL");
  figures.push((await next) - killed);
  holder = heir;
}
const { attempt, state } = await job.get();
holder.process.send("stop");
await holder.ended;
await q.close();
rmSync(folder, { recursive: true });

figures.sort((a, b) => a - b);
const median = figures[figures.length >> 1];
const worst = figures.at(-1);
console.log(
  `notice: a killed worker's job runs elsewhere after ${median.toFixed(0)} ms (p50), ${worst.toFixed(0)} ms (worst of ${rounds})`,
);
if (worst > BOUND_MS || attempt !== rounds + 1 || state !== "running") {
  console.log(`FAILED: ${BOUND_MS} ms at most; the job is ${state} at attempt ${attempt}`);
  process.exitCode = 1;
}

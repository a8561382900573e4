/** The crash test: `npm run test:crash [-- --short] [--seed n] [--jobs n] [--kills n]`. See README.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { killOpenings } from "./fixtures/openings.mjs";
import { Supervisor } from "./fixtures/supervisor.mjs";
import { integrity } from "./fixtures/verify.mjs";

const { values: flags } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    jobs: { type: "string" },
    kills: { type: "string" },
  },
});

const seed = Number(flags.seed);
const folder = mkdtempSync(join(tmpdir(), "queuack-crash-"));
const plan = {
  path: join(folder, "jobs.db"),
  seed,
  jobs: Number(flags.jobs ?? (flags.short ? 1_000 : 10_500)),
  deadlyEvery: flags.short ? 200 : 400,
  kills: Number(flags.kills ?? (flags.short ? 10 : 110)),
  dumbOrders: flags.short ? 0.1 : 0.08,
  pauseMs: flags.short ? 250 : 500,
  workers: 3,
  enqueuers: 2,
  concurrency: 5,
  longestMs: flags.short ? 100 : 250,
  boundMs: 60_000,
};
console.log(
  `crash: seed=${seed} jobs=${plan.jobs} kills=${plan.kills} workers=${plan.workers} enqueuers=${plan.enqueuers}`,
);

const start = performance.now();
const openings = await killOpenings({ folder, seed, times: flags.short ? 2 : 15 });
const supervisor = new Supervisor(plan);
const { jobs, stuck } = await supervisor.run();
const { ledger, kills } = supervisor;
const verdict = { ...ledger.verdict(jobs, plan), "not final within a minute": stuck };
const executions = [...ledger.executions.values()].flat();

console.log(
  `kill -9: ${supervisor.killed + openings.killed} (workers ${kills.worker}, enqueuers ${kills.enqueuer}, newborn ${kills.newborn}, ` +
    `making a database ${openings.killed}, of them ${openings.beforeReady} before it was open), and ${kills.byJobs} by jobs, ${kills.dumb} by enqueuers after the commit`,
);
console.log(
  `jobs: ${jobs.length} stand, ${ledger.acknowledged.size} acknowledged, ${ledger.ambiguous} of them as duplicates after a lost ` +
    `acknowledgement; ${executions.length} executions, ${executions.filter(({ ended }) => ended === undefined).length} cut short; ` +
    `most attempts ${Math.max(...jobs.map(({ attempt }) => attempt))}`,
);
const states = [...new Set(jobs.map(({ state }) => state))];
console.log(`states: ${states.map((one) => `${one} ${jobs.filter(({ state }) => state === one).length}`).join(", ")}`);

let failed = false;
for (const [what, ids] of Object.entries(verdict)) {
  failed ||= ids.length > 0;
  console.log(
    `${ids.length > 0 ? "FAILED " : ""}${what}: ${ids.length}${ids.length > 0 ? ` (${ids.slice(0, 3).join(", ")})` : ""}`,
  );
}
const forgotten = ledger.ambiguous < kills.dumb ? ["what was committed before a kill was accepted again"] : [];
for (const problem of [...forgotten, ...supervisor.accidents, ...openings.problems]) {
  failed = true;
  console.log(`FAILED ${problem}`);
}
const whole = integrity(plan.path);
failed ||= whole !== "ok";
console.log(`the file (integrity_check, counters, places): ${whole}`);
console.log(
  `${failed ? `FAILED (seed ${seed}, kept: ${folder})` : "passed"} in ${((performance.now() - start) / 1000).toFixed(1)} s`,
);
if (!failed) rmSync(folder, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;

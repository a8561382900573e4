/** The isolation test: `npm run test:isolation [-- --short] [--part spins|poison]`. See README.md. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { inlinePoison, isolatedPoison } from "./fixtures/poison.mjs";
import { inlineSpins, isolatedSpins } from "./fixtures/spins.mjs";

const { values: flags } = parseArgs({
  options: { short: { type: "boolean", default: false }, part: { type: "string" } },
});
const { short } = flags;
const folder = mkdtempSync(join(tmpdir(), "queuack-isolation-"));
const start = performance.now();

const spins = [
  () => isolatedSpins({ folder, jobs: short ? 4 : 200, leaseMs: short ? 1_000 : 1_500, concurrency: short ? 4 : 8 }),
  () => inlineSpins({ folder, jobs: short ? 1 : 5, leaseMs: 500 }),
];
const poison = [
  () => isolatedPoison({ folder, short, each: short ? 1 : 20, neighbours: short ? 50 : 1_000, concurrency: 4 }),
  () => inlinePoison({ folder, jobs: short ? 1 : 20 }),
];

const parts = flags.part === "spins" ? spins : flags.part === "poison" ? poison : [...spins, ...poison];
let failed = false;
for (const part of parts) {
  const { line, problems } = await part();
  console.log(`${line} (${((performance.now() - start) / 1000).toFixed(0)} s)`);
  for (const problem of problems.slice(0, 10)) console.log(`FAILED ${problem}`);
  failed ||= problems.length > 0;
}
console.log(
  `${failed ? `FAILED (kept: ${folder})` : "passed"} in ${((performance.now() - start) / 1000).toFixed(1)} s`,
);
if (!failed) rmSync(folder, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;

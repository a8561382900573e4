// `npm test [-- vitest's arguments]`: every test. The last line is `N passed, N failed, N skipped`, whatever happens.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { bin, node, root } from "./run.mjs";
import { setup } from "./setup.mjs";

// The line can't be left to vitest: it prints coverage after its reporters, and says nothing at all when it is killed.
let counts = { passed: 0, failed: 0, skipped: 0, finished: false };
let code = await setup();
if (code === 0) {
  const file = join(root, "node_modules", ".cache", `test-counts-${process.pid}.json`);
  mkdirSync(join(file, ".."), { recursive: true });
  const reporters = ["--reporter=default", "--reporter=./scripts/summary-reporter.mjs"];
  const env = { SUMMARY_COUNTS_FILE: file };
  // The thresholds of coverage say something of the whole suite only.
  const chosen = process.argv.slice(2);
  const args = chosen.length === 0 ? ["--coverage"] : chosen;
  ({ code } = await node([bin("vitest"), "run", ...reporters, ...args], { env }));
  if (existsSync(file)) counts = JSON.parse(readFileSync(file, "utf8"));
  rmSync(file, { force: true });
}
// No build, no test file, or a run that broke off: no test says so, hence it is counted here.
if (!counts.finished) counts.failed += 1;
if (code === 0 && counts.failed > 0) code = 1;
if (code !== 0 && counts.failed === 0)
  console.error(`\nEvery test passed, but the run failed (exit code ${code}): see above.`);
console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = code;

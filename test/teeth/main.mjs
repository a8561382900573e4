/** Plants faults, one at a time, and sees to it that some test notices: `npm run test:teeth [-- part of a name]`. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { faults } from "./faults.mjs";
import { copyRepository } from "./fixtures/copy.mjs";

/** How long the catchers of one fault may take, milliseconds; longer on a machine that has much else to do. */
const LIMIT_MS = Number(process.env.TEETH_LIMIT_MS ?? 60_000);

/** How many times as long all catchers together may take, without a fault. */
const LIMIT_OF_ALL = 8;

/** How the line of a script begins that tells what it found. */
const FOUND = "FAILED";

const wanted = process.argv.slice(2);
const chosen = faults.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
const isScript = (/** @type {string} */ catcher) => catcher.includes(".mjs");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "queuack-teeth-")));
const copy = join(folder, "copy");
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/**
 * Runs Node in the copy. Whatever it starts is ended with it.
 * @param {string[]} args
 * @param {number} [limit] milliseconds
 * @returns {Promise<{ code: number | "late", output: string }>}
 */
function run(args, limit = LIMIT_MS) {
  return new Promise((resolve) => {
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith("QUEUACK_")));
    const child = spawn(process.execPath, args, { cwd: copy, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    let late = false;
    const end = () => {
      // The group; where there are none (Windows), the process alone.
      if (process.platform === "win32" || child.pid === undefined) child.kill("SIGKILL");
      else process.kill(-child.pid, "SIGKILL");
    };
    const timer = setTimeout(() => {
      late = true;
      end();
    }, limit);
    const stop = () => {
      end();
      process.exit(130);
    };
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
    child.on("close", (code) => {
      clearTimeout(timer);
      // What a fault lets live on, such as an orphan that spins, ends here.
      try {
        end();
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ESRCH") throw error;
      }
      for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, stop);
      resolve({ code: late ? "late" : (code ?? 1), output });
    });
  });
}

/**
 * Runs tests; `found`: some failed, each by its own assertions. @param {string[]} filters
 * @returns {Promise<{ passed: number, found: string | null, broken: string | null }>}
 */
async function runTests(filters, limit = LIMIT_MS) {
  const report = join(folder, "report.json");
  rmSync(report, { force: true });
  const args = [
    "run",
    "--reporter=json",
    `--outputFile=${report}`,
    "--bail=1",
    // Too slow to run for every fault, and on what was built without it.
    "--exclude=**/kill.test.ts",
    "--testTimeout=10000",
    "--hookTimeout=10000",
  ];
  const { code, output } = await run([join(copy, "node_modules/vitest/vitest.mjs"), ...args, ...filters], limit);
  if (code === "late") return { passed: 0, found: null, broken: `no end within ${limit / 1000} s` };
  let result;
  try {
    result = JSON.parse(readFileSync(report, "utf8"));
  } catch {
    return { passed: 0, found: null, broken: output.slice(-2_000) };
  }
  const tests = result.testResults.flatMap(({ assertionResults }) => assertionResults);
  const failed = tests.find(({ status }) => status === "failed");
  const silent = result.testResults.find(
    ({ status, assertionResults }) => status === "failed" && assertionResults.length === 0,
  );
  if (silent) return { passed: 0, found: null, broken: `${silent.name}: ${silent.message}` };
  if (result.numTotalTests === 0) return { passed: 0, found: null, broken: `no tests in ${filters.join(", ")}` };
  return { passed: result.numPassedTests, found: failed?.fullName ?? null, broken: null };
}

/** @param {string} script @returns {Promise<{ passed: number, found: string | null, broken: string | null }>} */
async function runScript(script) {
  const { code, output } = await run(script.split(" "));
  if (code === 0) {
    const skipped = /^skipped:.*/m.exec(output)?.[0];
    return { passed: skipped ? 0 : 1, found: null, broken: skipped ?? null };
  }
  const finding = output.split("\n").find((line) => line.startsWith(FOUND));
  if (finding !== undefined) return { passed: 0, found: `${script.split(" ")[0]}: ${finding}`, broken: null };
  return {
    passed: 0,
    found: null,
    broken: code === "late" ? `no end within ${LIMIT_MS / 1000} s` : output.slice(-2_000),
  };
}

/** @returns {Promise<string | null>} what went wrong */
async function build() {
  const { code, output } = await run([
    join(copy, "node_modules/typescript/bin/tsc"),
    "-b",
    "--noCheck",
    "packages/queuack",
  ]);
  if (code !== 0) return output.slice(-2_000);
  const rest = await run([
    "--input-type=module",
    "-e",
    'import { fillDist } from "./scripts/setup.mjs"; await fillDist();',
  ]);
  return rest.code === 0 ? null : rest.output;
}

/** Runs catchers until one finds something. @param {string[]} catchers */
async function runCatchers(catchers, limit = LIMIT_MS) {
  const tests = catchers.filter((one) => !isScript(one));
  let { passed, found, broken } =
    tests.length === 0 ? { passed: 0, found: null, broken: null } : await runTests(tests, limit);
  const scripts = catchers.filter(isScript);
  if (found !== null || broken !== null || scripts.length === 0) return { passed, found, broken };
  broken = await build();
  for (const script of scripts) {
    if (found !== null || broken !== null) break;
    const result = await runScript(script);
    ({ found, broken } = result);
    passed += result.passed;
  }
  return { passed, found, broken };
}

const seconds = (/** @type {number} */ since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;
const started = performance.now();
mkdirSync(copy);
copyRepository(copy);
// Some tests start processes that run what is built.
const unbuilt = await build();
if (unbuilt !== null) throw new Error(unbuilt);
/** What fails without a fault, and so can't catch one. @type {Set<string>} */
const unfit = new Set();
const catchers = [...new Set(chosen.flatMap(({ caughtBy }) => caughtBy))];
let passing = 0;
for (const group of [catchers.filter((one) => !isScript(one)), ...catchers.filter(isScript).map((one) => [one])]) {
  if (group.length === 0) continue;
  const { passed, found, broken } = await runCatchers(group, LIMIT_MS * LIMIT_OF_ALL);
  passing += passed;
  if (found === null && broken === null && passed > 0) continue;
  console.log(`FAILED without a fault: ${group.join(", ")}: ${found ?? broken ?? "no test"}`);
  for (const one of group) unfit.add(one);
}
console.log(`without a fault: ${passing} tests pass (${seconds(started)})`);

let survivors = 0;
for (const { name, file, find, replace, caughtBy, built = false } of chosen) {
  const start = performance.now();
  const path = join(copy, "packages/queuack/src", file);
  const source = readFileSync(path, "utf8");
  const places = source.split(find).length - 1;
  const unfitOnes = caughtBy.filter((one) => unfit.has(one));
  let verdict;
  if (unfitOnes.length > 0) verdict = `NOT TRIED: ${unfitOnes.join(", ")} fails without a fault`;
  else if (places !== 1) verdict = `NOT PLANTED: its text is ${places} times in ${file}`;
  else {
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
    const unbuilt = built ? await build() : null;
    const { found, broken } = unbuilt === null ? await runCatchers(caughtBy) : { found: null, broken: unbuilt };
    writeFileSync(path, source);
    if (built) await build();
    verdict = found !== null ? `caught by ${found}` : broken !== null ? `BROKEN: ${broken}` : "SURVIVED";
  }
  if (!verdict.startsWith("caught")) survivors++;
  console.log(`${name.padEnd(62)} ${seconds(start).padStart(7)}  ${verdict}`);
}
console.log(`${chosen.length - survivors} of ${chosen.length} faults were caught (${seconds(started)})`);
console.log(survivors === 0 ? "passed" : "FAILED");
process.exitCode = survivors === 0 ? 0 : 1;

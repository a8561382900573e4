/** Plants faults, one at a time, and sees to it that some test notices: `npm run test:teeth [-- part of a name]`. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { install } from "../../scripts/setup.mjs";
import { faults } from "./faults.mjs";
import { copyRepository } from "./fixtures/copy.mjs";

/** How long the catchers of one fault may take, milliseconds. */
const LIMIT_MS = 60_000;

/** What a script that found something prints at the start of a line. */
const FOUND = /^FAILED/m;

const installed = await install();
if (installed !== 0) process.exit(installed);
const wanted = process.argv.slice(2);
const chosen = faults.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
const isScript = (/** @type {string} */ catcher) => catcher.includes(".mjs");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "queuack-teeth-")));
const copy = join(folder, "copy");
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/**
 * Runs Node in the copy. Whatever it starts is ended with it.
 * @param {string[]} args
 * @returns {Promise<{ code: number | "late", output: string }>}
 */
function run(args) {
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
    }, LIMIT_MS);
    const stop = () => {
      end();
      process.exit(130);
    };
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
    child.on("close", (code) => {
      clearTimeout(timer);
      for (const signal of ["SIGINT", "SIGTERM"]) process.off(signal, stop);
      resolve({ code: late ? "late" : (code ?? 1), output });
    });
  });
}

/**
 * Runs tests; `found`: some failed, each by its own assertions. @param {string[]} filters
 * @returns {Promise<{ passed: number, found: string | null, broken: string | null }>}
 */
async function runTests(filters) {
  const report = join(folder, "report.json");
  rmSync(report, { force: true });
  const args = ["run", "--reporter=json", `--outputFile=${report}`, "--bail=1", "--testTimeout=10000", "--hookTimeout=10000"];
  const { code, output } = await run([join(copy, "node_modules/vitest/vitest.mjs"), ...args, ...filters]);
  if (code === "late") return { passed: 0, found: null, broken: `no end within ${LIMIT_MS / 1000} s` };
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
  if (FOUND.test(output))
    return {
      passed: 0,
      found: `${script.split(" ")[0]}: ${FOUND.exec(output)
        ?.input.split("\n")
        .find((line) => FOUND.test(line))}`,
      broken: null,
    };
  return {
    passed: 0,
    found: null,
    broken: code === "late" ? `no end within ${LIMIT_MS / 1000} s` : output.slice(-2_000),
  };
}

/** @returns {Promise<string | null>} what went wrong */
async function build() {
  const { code, output } = await run([join(copy, "node_modules/typescript/bin/tsc"), "-b", "--noCheck", "packages/queuack"]);
  if (code !== 0) return output.slice(-2_000);
  const assets = await run([
    "--input-type=module",
    "-e",
    'import { copyAssets } from "./scripts/copy-assets.mjs"; copyAssets();',
  ]);
  return assets.code === 0 ? null : assets.output;
}

/** Runs catchers until one finds something. @param {string[]} catchers */
async function runCatchers(catchers) {
  const tests = catchers.filter((one) => !isScript(one));
  let { passed, found, broken } = tests.length === 0 ? { passed: 0, found: null, broken: null } : await runTests(tests);
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
const sane = await runCatchers([...new Set(chosen.flatMap(({ caughtBy }) => caughtBy))]);
if (sane.found !== null || sane.broken !== null || sane.passed === 0) {
  console.log(`FAILED: without a fault: ${sane.found ?? sane.broken ?? "no such fault, no test"}`);
  process.exit(1);
}
console.log(`without a fault: ${sane.passed} tests pass (${seconds(started)})`);

let survivors = 0;
for (const { name, file, find, replace, caughtBy } of chosen) {
  const start = performance.now();
  const path = join(copy, "packages/queuack/src", file);
  const source = readFileSync(path, "utf8");
  const places = source.split(find).length - 1;
  let verdict;
  if (places !== 1) verdict = `NOT PLANTED: its text is ${places} times in ${file}`;
  else {
    writeFileSync(
      path,
      source.replace(find, () => replace),
    );
    const { found, broken } = await runCatchers(caughtBy);
    writeFileSync(path, source);
    verdict = found !== null ? `caught by ${found}` : broken !== null ? `BROKEN: ${broken}` : "SURVIVED";
  }
  if (!verdict.startsWith("caught")) survivors++;
  console.log(`${name.padEnd(62)} ${seconds(start).padStart(7)}  ${verdict}`);
}
console.log(`${chosen.length - survivors} of ${chosen.length} faults were caught (${seconds(started)})`);
console.log(survivors === 0 ? "passed" : "FAILED");
process.exitCode = survivors === 0 ? 0 : 1;

// `npm run check [-- names]`: all that a machine can say without running the tests. Every step runs, so that one run
// shows all problems; the exit code is 1 if any step failed.
import { bin, node } from "./run.mjs";
import { fillDist, install } from "./setup.mjs";

const steps = {
  lockfile: () => tool("scripts/check-lockfile.mjs"),
  // First of the compiled ones: the later steps read dist. Types include the tests'.
  types: async () => {
    const result = await tool(bin("typescript", "tsc"), "-b");
    if (result.code === 0) await fillDist();
    return result;
  },
  biome: () => tool(bin("@biomejs/biome", "biome"), "check", "--error-on-warnings"),
  arrows: () => tool(bin("dependency-cruiser", "depcruise"), "packages", "examples", "scripts", "test", "bench"),
  unused: () => tool(bin("knip"), "--no-config-hints"),
  packages: () => tool("scripts/check-package.mjs"),
};

function tool(file, ...args) {
  return node([file, ...args], { capture: true, env: process.stdout.isTTY ? { FORCE_COLOR: "1" } : {} });
}

const installed = await install();
if (installed !== 0) process.exit(installed);
const named = process.argv.slice(2);
for (const [name, step] of Object.entries(steps)) {
  if (named.length > 0 && !named.includes(name)) continue;
  const start = performance.now();
  const { code, output } = await step();
  // Someone wants this to stop, not to go on with the next step.
  if (code > 128) process.exit(code);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (code === 0) console.log(`ok ${name} ${seconds}s`);
  else console.log(`\n${output.trim()}\nFAILED ${name} ${seconds}s\n`);
  if (code !== 0) process.exitCode = 1;
}

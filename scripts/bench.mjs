// `npm run bench -- <name…>`: builds the library, installs what the benches alone need, runs them. What these print goes
// to stderr, so that stdout holds nothing but figures.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { node, npm, root } from "./run.mjs";

const bench = join(root, "bench");

/** Installs the benches' own dependencies unless those of this very lockfile are there; answers an exit code. */
async function install() {
  const stamp = join(bench, "node_modules", ".installed-lockfile");
  const lockfile = createHash("sha256")
    .update(readFileSync(join(bench, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lockfile) return 0;
  console.error("Installing what the benches need (npm ci in bench/) …");
  const { code } = await npm(["ci", `--prefix=${bench}`, "--no-audit", "--no-fund"], { aside: true });
  if (code === 0) writeFileSync(stamp, lockfile);
  else console.error(`npm ci in bench/ failed (exit code ${code}).`);
  return code;
}

const built = await node(["scripts/setup.mjs"], { aside: true });
const ready = built.code || (await install());
process.exitCode = ready || (await node(["bench/main.mjs", ...process.argv.slice(2)])).code;

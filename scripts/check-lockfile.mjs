// Checks the lockfiles for what makes them fail on another machine; `--fix` writes the missing entries.
// A registry may not hold the packages for other systems: npm then leaves them out of the lockfile without a word, and
// `npm ci` refuses such a lockfile everywhere ("Missing: … from lock file").
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./run.mjs";

/** The workspace's, and that of the benches, which are no part of it. */
const files = ["package-lock.json", "bench/package-lock.json"];
const problems = files.flatMap((file) => check(file, process.argv.includes("--fix")));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function check(name, fix) {
  const file = join(root, name);
  const lock = JSON.parse(readFileSync(file, "utf8"));
  const names = new Set(Object.keys(lock.packages).map((path) => path.split("node_modules/").at(-1)));
  const found = [];
  for (const [path, { resolved }] of Object.entries(lock.packages)) {
    if (/^(\w+:|\/)/.test(resolved ?? "")) found.push(`${name}: ${path} names a host or an absolute path: ${resolved}`);
  }
  for (const owner of Object.values(lock.packages)) {
    for (const [dependency, version] of Object.entries(owner.optionalDependencies ?? {})) {
      if (names.has(dependency)) continue;
      if (fix) lock.packages[`node_modules/${dependency}`] = platformEntry(dependency, version, owner);
      else found.push(`${name}: ${dependency}@${version} is missing: node scripts/check-lockfile.mjs --fix`);
    }
  }
  if (fix) {
    lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en")));
    writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  }
  return found;
}

/** What npm writes for a package of one system, but without a checksum: that is known only where it can be fetched. */
function platformEntry(name, version, owner) {
  const [, os, rest] = /-(android|darwin|freebsd|linux|openharmony|win32)-(.+)$/.exec(name) ?? [];
  if (!os) throw new Error(`${name} is missing and its name tells no system: add it to package-lock.json by hand`);
  const cpu = /eabi(hf)?$/.test(rest) ? "arm" : rest.split("-")[0];
  const libc = os === "linux" ? { libc: [rest.includes("musl") ? "musl" : "glibc"] } : {};
  const dev = owner.dev ? { dev: true } : {};
  return {
    version,
    cpu: [cpu],
    ...dev,
    ...libc,
    license: owner.license,
    optional: true,
    os: [os],
    engines: owner.engines,
  };
}

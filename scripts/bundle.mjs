// Writes the JavaScript of the packages' dist: few files instead of one a source, because a process that starts pays for
// every file it loads (measured: importing the library took 135 ms as 150 files, 60 to 80 ms as eight). The declarations
// are tsc's.
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { root } from "./run.mjs";

/** What becomes of each package: `entries` can be loaded by themselves, paths in `src` without their ending. */
const bundles = {
  queuack: {
    format: "esm",
    ending: ".js",
    entries: [
      // Public, by the `exports` of package.json.
      "index",
      "modules/index",
      "testing/index",
      // Programs of threads and processes.
      "queue/pool/pool-program",
      "queue/sync-program",
      "storage/sqlite/thread/program",
      "worker/isolation/child",
      // For tests that look at a store from a process of their own.
      "storage/sqlite/process-lock",
      "storage/sqlite/sqlite-store",
      "storage/sqlite/verify",
    ],
  },
  // A command that starts as CommonJS is 20 ms sooner there: Node need not load its loader of modules to print a help.
  cli: { format: "cjs", ending: ".cjs", entries: ["bin"] },
};

/** Bundles the packages whose sources are newer than what was built of them. */
export async function bundlePackages() {
  for (const [name, plan] of Object.entries(bundles)) {
    const folder = join(root, "packages", name);
    if (isStale(folder, join(folder, "dist", plan.entries[0] + plan.ending))) await bundle(folder, plan);
  }
}

function isStale(folder, built) {
  if (!existsSync(built)) return true;
  const sources = filesUnder(join(folder, "src")).filter((file) => file.endsWith(".ts"));
  const builtAt = statSync(built).mtimeMs;
  return [fileURLToPath(import.meta.url), join(folder, "package.json"), ...sources].some(
    (file) => statSync(file).mtimeMs > builtAt,
  );
}

async function bundle(folder, { format, ending, entries }) {
  const { dependencies = {}, peerDependencies = {} } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const outside = Object.keys({ ...dependencies, ...peerDependencies });
  const dist = join(folder, "dist");
  const bundled = await rolldown({
    input: Object.fromEntries(entries.map((path) => [path, join(folder, "src", `${path}.ts`)])),
    platform: "node",
    external: (id) => outside.some((name) => id === name || id.startsWith(`${name}/`)),
    transform: { target: "es2023" },
    tsconfig: false,
    onLog: (level, log) => {
      if (level === "warn") throw new Error(log.message);
    },
  });
  // What entries share lies in dist itself: core/own-file.ts goes on from there.
  const names = { entryFileNames: `[name]${ending}`, chunkFileNames: `[name]-[hash]${ending}` };
  // What an entry needs at its start comes in as few files as can be.
  const codeSplitting = format === "cjs" ? { groups: [{ name: "start", tags: ["$initial"] }] } : true;
  const { output } = await bundled.write({ dir: dist, format, ...names, codeSplitting });
  await bundled.close();
  const written = new Set(output.map(({ fileName }) => join(dist, fileName)));
  for (const file of filesUnder(dist)) if (/\.c?js$/.test(file) && !written.has(file)) rmSync(file);
}

function filesUnder(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

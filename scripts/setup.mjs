// Makes a bare clone ready: installs when the lockfile has changed, builds what is older than its sources.
// `npm start`, `npm test` and `npm run check` call this first, so that nobody has to remember it. No dependencies.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { copyAssets } from "./copy-assets.mjs";
import { bin, node, npm, root } from "./run.mjs";

const stamp = join(root, "node_modules", ".installed-lockfile");
const seconds = (since) => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Installs and builds; answers an exit code. */
export async function setup() {
  return (await install()) || (await build());
}

/** Installs the dependencies unless those of this very lockfile are there; answers an exit code. */
export async function install() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(
      `Queuack needs Node 20.19 or newer; this is ${process.version}. Install a newer one and run this again.`,
    );
    return 1;
  }
  const missing = !existsSync(join(root, "node_modules"));
  if (!missing && existsSync(stamp) && readFileSync(stamp, "utf8") === lockfileHash()) return 0;

  // `npm ci` takes the lockfile by its word; `npm install` keeps what is there, and so is quicker where it's safe.
  const command = missing || process.env.CI ? "ci" : "install";
  console.log(
    `Installing dependencies (npm ${command}): some 15 seconds, and about 2 minutes more where SQLite has to be compiled ` +
      "(better-sqlite3, when its prebuilt binary is out of reach) …",
  );
  const start = performance.now();
  // NODE_ENV=production would leave the compiler out; audit and fund ask the network for what nobody reads here.
  const { code } = await npm([command, "--include=dev", "--no-audit", "--no-fund"]);
  if (code !== 0) {
    console.error(`npm ${command} failed after ${seconds(start)} (exit code ${code}).`);
    return code;
  }
  writeFileSync(stamp, lockfileHash());
  console.log(`Installed in ${seconds(start)}.`);
  return 0;
}

/** Compiles the packages and the examples where their sources are newer; answers an exit code. */
export async function build() {
  const start = performance.now();
  // Mostly there is nothing to do, and nothing to say.
  let noticed = false;
  const notice = setTimeout(() => {
    noticed = true;
    console.log("Building the packages (tsc -b) …");
  }, 1500);
  const projects = readdirSync(join(root, "packages")).map((name) => join("packages", name));
  const compiled = [...projects, "examples"].filter((project) => existsSync(join(root, project, "tsconfig.json")));
  const { code } = await node([bin("typescript", "tsc"), "-b", ...compiled]);
  if (code === 0) await fillDist();
  await linkCommands();
  clearTimeout(notice);
  if (code !== 0) console.error(`The build failed after ${seconds(start)}.`);
  else if (noticed) console.log(`Built in ${seconds(start)}.`);
  return code;
}

/** Writes what of the packages' dist is not tsc's. */
export async function fillDist() {
  // Imported only now: what it needs may just have been installed.
  const { bundlePackages } = await import("./bundle.mjs");
  await bundlePackages();
  copyAssets();
}

/** npm links a workspace's command only if its file is there, and on a bare clone it is built after the install. */
async function linkCommands() {
  const exists = (...path) => existsSync(join(root, ...path));
  const linked = exists("node_modules", ".bin", "queuack") || exists("node_modules", ".bin", "queuack.cmd");
  if (linked || !exists("packages", "cli", "dist", "bin.cjs")) return;
  await npm(["rebuild", "--ignore-scripts", "--loglevel=error", "@queuack/cli"], { capture: true });
}

function lockfileHash() {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

const program = process.argv[1];
if (program && import.meta.url === pathToFileURL(realpathSync(program)).href) process.exitCode = await setup();

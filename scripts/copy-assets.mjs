// What tsc and the bundler leave undone in a package's dist: they copy nothing but code, and tsc never removes what it
// once wrote.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./run.mjs";

/** Brings every compiled package's dist in line with its src: SQL and templates in, the leavings of deleted sources out. */
export function copyAssets() {
  for (const name of readdirSync(join(root, "packages"))) {
    const [src, dist] = ["src", "dist"].map((folder) => join(root, "packages", name, folder));
    // Only tsc's own dist: another builder (a web app's) knows what belongs in its folder.
    if (!existsSync(join(dist, ".tsbuildinfo"))) continue;
    for (const file of filesUnder(src)) if (/\.(sql|tmpl)$/.test(file)) copy(join(src, file), join(dist, file));
    for (const file of filesUnder(dist)) if (isOrphan(file, src)) rmSync(join(dist, file));
  }
}

function filesUnder(folder) {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

function copy(from, to) {
  if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

function isOrphan(file, src) {
  if (file === ".tsbuildinfo" || /\.c?js$/.test(file)) return false;
  return !existsSync(join(src, file.replace(/\.d\.ts$/, ".ts")));
}

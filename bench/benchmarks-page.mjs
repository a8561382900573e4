/** Turns figures (`--json` lines of any benches) into docs/benchmarks.md: `node bench/benchmarks-page.mjs <file>`. */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { benchmarksPage } from "./page.mjs";

const [file, ...others] = process.argv.slice(2);
if (file === undefined || others.length > 0) {
  console.error("node bench/benchmarks-page.mjs <file of --json lines>");
  process.exitCode = 2;
} else {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const page = fileURLToPath(new URL("../docs/benchmarks.md", import.meta.url));
  writeFileSync(page, benchmarksPage(lines.map((line) => JSON.parse(line))));
}

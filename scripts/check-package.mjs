// Checks what `npm publish` would send, package by package: its shape (publint), its files, its exports, its size.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { bin, node, npm, root } from "./run.mjs";

/** The most that each package may weigh unpacked, in bytes. To raise one is a decision: say why in the commit. */
const budgets = { queuack: 1_500_000, "@queuack/cli": 500_000 };

const required = ["LICENSE", "README.md", "package.json"];
const isTemplate = (path) => /^dist\/templates\/.+\.tmpl$/.test(path);
const isBuilt = (path) =>
  isTemplate(path) || (/^dist\/.+(\.c?js|\.d\.ts|\.sql)$/.test(path) && !/\.test(-d)?\./.test(path));
let failed = false;

for (const folder of readdirSync(join(root, "packages")).map((name) => join("packages", name))) {
  const file = join(root, folder, "package.json");
  if (!existsSync(file)) continue;
  const manifest = JSON.parse(readFileSync(file, "utf8"));
  if (manifest.private) continue;

  const shape = await node([bin("publint"), "run", folder, "--strict"], { capture: true });
  if (shape.code !== 0) complain(manifest.name, shape.output.trim());

  const packed = await npm(["pack", "--dry-run", "--json", "--ignore-scripts", `./${folder}`], { capture: true });
  if (packed.code !== 0) complain(manifest.name, packed.output);
  else for (const problem of problems(manifest, JSON.parse(packed.stdout)[0])) complain(manifest.name, problem);
}
process.exitCode = failed ? 1 : 0;

function problems(manifest, { files, unpackedSize }) {
  const paths = new Set(files.map(({ path }) => path));
  const budget = budgets[manifest.name];
  return [
    ...[...paths]
      .filter((path) => !required.includes(path) && !isBuilt(path))
      .map((path) => `${path} does not belong in the package`),
    ...[...required, ...targets(manifest)].filter((path) => !paths.has(path)).map((path) => `${path} is missing`),
    ...(unpackedSize <= budget ? [] : [`${unpackedSize} bytes unpacked, over its budget of ${budget}`]),
  ];
}

/** Every file that `exports` and `bin` name. */
function targets({ exports = {}, bin: commands = {} }) {
  const leaves = (value) =>
    typeof value === "string" ? [value.replace(/^\.\//, "")] : Object.values(value).flatMap(leaves);
  return [...leaves(exports), ...leaves(commands)];
}

function complain(name, problem) {
  failed = true;
  console.error(`${name}: ${problem}`);
}

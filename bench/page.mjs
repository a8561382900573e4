/** @typedef {import("./reporter.mjs").Line} Line */

/** Classes of durability by strength. */
const strength = { none: 0, kill: 1, full: 2 };

/** Units of which less is better. */
const lessIsBetter = new Set(["ms", "µs", "MiB", "MB", "bytes", "%", "s"]);

/** @param {Line} line */
const isOurs = ({ system }) => system === "queuack" || system === "queuack-relaxed";

/** Is the first figure better than the second? @param {Line} one @param {Line} other */
const beats = (one, other) =>
  lessIsBetter.has(one.unit ?? "") ? Number(one.value) < Number(other.value) : Number(one.value) > Number(other.value);

/** @param {number | undefined} value */
const figure = (value) =>
  value === undefined ? "" : Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString("en") : String(value);

/** @param {unknown} text */
const cell = (text) => String(text).replaceAll("|", "\\|").replaceAll("\n", " ");

/** @param {readonly string[]} heads @param {readonly (readonly string[])[]} rows */
const table = (heads, rows) =>
  [heads, heads.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");

/** @template Key @param {readonly Line[]} lines @param {(line: Line) => Key} key @returns {Map<Key, Line[]>} */
function grouped(lines, key) {
  /** @type {Map<Key, Line[]>} */
  const groups = new Map();
  for (const line of lines) groups.set(key(line), [...(groups.get(key(line)) ?? []), line]);
  return groups;
}

/** The page of benchmarks, of the figures alone. @param {readonly Line[]} lines */
export function benchmarksPage(lines) {
  const benches = grouped(lines, ({ bench }) => bench);
  const names = [...benches.keys()];
  const quick = lines.some(({ conditions }) => conditions?.quick);
  return `${[
    "# Benchmarks",
    "This page is made by `bench/benchmarks-page.mjs` from what one or several runs of the benches printed. Every figure is the median of runs in which the systems took turns; why others are ahead where they are, and what it would take, is in [performance.md](performance.md).",
    ...(quick ? ["**These figures are of a `--quick` run: they show that it runs, not how fast anything is.**"] : []),
    "Durability: `full` means that an acknowledged job survives a power cut, `kill` a killed process or server, `none` neither.",
    [
      "```sh",
      `npm run --silent bench -- ${names.join(" ")} --json > figures.jsonl`,
      "node bench/benchmarks-page.mjs figures.jsonl",
      "```",
    ].join("\n"),
    conditions(lines),
    ahead(lines),
    ...[...benches].flatMap(([bench, own]) => [
      `## ${bench}`,
      ...[...grouped(own, (line) => line.case)].map(([name, rows]) => `### ${name}\n\n${caseTable(rows)}`),
    ]),
    systems(lines),
  ].join("\n\n")}\n`;
}

/** @param {readonly Line[]} lines */
function conditions(lines) {
  const all = new Set(
    lines.map(({ conditions = {} }) => {
      const { node, platform, cores, files } = conditions;
      return `Node ${node}, ${platform}, ${cores} cores, files on ${files === "disk" ? "a disk" : files}`;
    }),
  );
  return `Conditions: ${[...all].join("; ")}.`;
}

/** @param {readonly Line[]} rows best first, then what is missing */
function caseTable(rows) {
  const sorted = [...rows].sort(
    (a, b) =>
      Number(a.missing !== undefined) - Number(b.missing !== undefined) || (beats(a, b) ? -1 : beats(b, a) ? 1 : 0),
  );
  return table(
    ["system", "durability", "figure", "lowest to highest", "jobs"],
    sorted.map(
      ({ system = "", durability = "", value, unit, samples = [], missing, conditions: { jobs = "" } = {} }) => [
        system,
        durability,
        missing === undefined ? `${figure(value)} ${unit}` : `missing: ${missing}`,
        samples.length > 1 ? `${figure(Math.min(...samples))} to ${figure(Math.max(...samples))}` : "",
        typeof jobs === "number" ? figure(jobs) : typeof jobs === "string" ? jobs : JSON.stringify(jobs),
      ],
    ),
  );
}

/** Where another is ahead of one of ours with the same or a stronger promise. @param {readonly Line[]} lines */
function ahead(lines) {
  const measured = lines.filter(({ bench, value }) => bench === "peers" && value !== undefined);
  const rows = [...grouped(measured, (line) => line.case)].flatMap(([name, own]) =>
    own.filter(isOurs).flatMap((ours) =>
      own
        .filter((other) => !isOurs(other) && beats(other, ours))
        .filter((other) => strength[other.durability ?? "none"] >= strength[ours.durability ?? "none"])
        .map((other) => [
          name,
          `${ours.system} (${ours.durability}), ${figure(ours.value)} ${ours.unit}`,
          `${other.system} (${other.durability}), ${figure(other.value)} ${other.unit}`,
        ]),
    ),
  );
  const text =
    measured.length === 0
      ? "No other system was measured."
      : rows.length === 0
        ? "In this run, nowhere."
        : table(["case", "ours", "ahead of it"], rows);
  return `## Where another is ahead\n\nAmong systems of the same or a stronger class of durability.\n\n${text}`;
}

/** @param {readonly Line[]} lines */
function systems(lines) {
  const told = lines.filter(({ conditions }) => conditions?.version !== undefined);
  const rows = [...grouped(told, ({ system }) => system)].map(([system, [{ durability, conditions }]]) => [
    system ?? "",
    durability ?? "",
    String(conditions?.version),
    String(conditions?.settings ?? ""),
  ]);
  return `## Versions and settings\n\n${table(["system", "durability", "version", "settings"], rows)}`;
}

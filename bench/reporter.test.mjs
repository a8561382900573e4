import { expect, test } from "vitest";
import { jsonReporter, tableReporter } from "./reporter.mjs";

const bench = { name: "flow", title: "jobs per second" };
/** @type {import("./reporter.mjs").Line} */
const line = {
  bench: "flow",
  case: "100",
  system: "queuack",
  durability: "full",
  value: 12_345.678,
  unit: "jobs/s",
  floor: 20_000.4,
  ratio: 0.617_28,
  samples: [12_345.678, 12_000.1],
  conditions: { version: "queuack 1", jobs: 10, reps: 2 },
};

/** @param {typeof jsonReporter} reporter @param {import("./reporter.mjs").Line[]} lines */
function printed(reporter, lines) {
  let text = "";
  const { begin, report, end } = reporter((more) => {
    text += more;
  });
  begin(bench);
  for (const one of lines) report(one);
  end();
  return text;
}

test("with --json every figure is one object on one line", () => {
  const missing = { bench: "flow", case: "100", system: "redis", missing: "no redis-server" };
  const lines = printed(jsonReporter, [line, missing]).trimEnd().split("\n");
  expect(lines.map((text) => JSON.parse(text))).toEqual([
    { ...line, value: 12_350, floor: 20_000, ratio: 0.617, samples: [12_350, 12_000] },
    missing,
  ]);
});

test("the table has a row for each figure, what is missing with its reason, and tells once what holds for all", () => {
  const missing = {
    ...line,
    case: "1000",
    value: undefined,
    missing: "no redis-server",
    conditions: { jobs: 20, reps: 2 },
  };
  expect(printed(tableReporter, [line, missing])).toBe(
    [
      "",
      "flow: jobs per second",
      "case  system   durability     value                    floor  ratio",
      "100   queuack  full          12,350  jobs/s           20,000  0.617  jobs 10",
      "1000  queuack  full        missing:  no redis-server  20,000  0.617  jobs 20",
      "(queuack: queuack 1)",
      "(reps 2)",
      "",
    ].join("\n"),
  );
});

test("a bench that measured nothing says so", () => {
  expect(printed(tableReporter, [])).toBe("\nflow: jobs per second\n(nothing was measured)\n");
});

import { connect } from "queuack";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Workplace } from "./fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

test("help teaches: what there is, examples, exit codes", async () => {
  const [help, cancel, group, version] = await Promise.all([
    place.run(["--help"]),
    place.run(["jobs", "cancel", "--help"]),
    place.run(["jobs"]),
    place.run(["--version"]),
  ]);
  expect(help.code).toBe(0);
  for (const text of [
    "enqueue",
    "worker",
    "jobs",
    "dead",
    "queues",
    "limits",
    "cache",
    "stats",
    "A first walk",
    "Exit codes",
    "-o json",
  ]) {
    expect(help.out).toContain(text);
  }
  for (const text of ["[ids...]", "--state", "--yes", "--url", "abort signal"]) expect(cancel.out).toContain(text);
  expect(group).toMatchObject({ code: 2, out: "" });
  expect(group.err).toContain("reschedule");
  expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test("wrong usage is exit code 2, with a way out", async () => {
  const wrong: [args: string[], text: string][] = [
    [["enqueue", "resize", '{"a":}'], 'unexpected "}" at line 1, column 6'],
    [["enqueue", "resize", "--delay", "soon"], "Give a number with a unit"],
    [["enqueue", "resize", "{}", "--many"], "--many needs an array"],
    [["jobs", "lst"], "Did you mean list?"],
    [["enqueue", "two words"], "QUEUACK_INVALID_TASK"],
  ];
  for (const { code, err, text } of await Promise.all(
    wrong.map(async ([args, text]) => ({ ...(await place.run(args)), text })),
  )) {
    expect(err).toContain(text);
    expect(code).toBe(2);
  }
  const nowhere = await place.run(["stats"], { env: { QUEUACK_URL: "" } });
  expect(nowhere).toMatchObject({ code: 2, out: "" });
  expect(nowhere.err).toContain("--url jobs.db");
  const typo = await place.run(["stats", "--url", "typo.db", "-o", "json"]);
  expect(typo).toMatchObject({ code: 3, out: "" });
  expect(JSON.parse(typo.err)).toMatchObject({ error: { message: "There is no database typo.db.", exitCode: 3 } });
});

test("a configuration file sets what flags and environment leave open", async () => {
  place.write("app/queuack.config.yaml", "url: data.db\ntenant: acme\nqueue: mail\noutput: json\npriority: 10\n");
  place.write("app/deep/.keep", "");
  const cwd = place.path("app/deep");
  // The URL is relative to the file, the flag to the folder of the command.
  const env = { QUEUACK_URL: undefined, QUEUACK_PRIORITY: "90" };
  const { code, out } = await place.run(["enqueue", "report", "--queue", "reports"], { cwd, env });
  expect(code).toBe(0);
  const { id } = JSON.parse(out) as { id: string };
  const shown = await place.run(["jobs", "show", id, "-o", "yaml", "--url", "../data.db"], { cwd, env });
  for (const line of ["tenant: acme", "queue: reports", "priority: 90"]) expect(shown.out).toContain(`${line}\n`);

  const bad = place.write("bad.yaml", "retry:\n  maxattempts: 3\n");
  const refused = await place.run(["stats", "--config", bad]);
  expect(refused).toMatchObject({ code: 2, out: "" });
  expect(refused.err).toContain(`${bad}: retry.maxattempts is not a setting; did you mean maxAttempts?`);
  expect(refused.err).toContain("QUEUACK_INVALID_CONFIG");
});

test("a reader that stops reading ends the command quietly", async () => {
  const queue = await connect(place.path("jobs.db"));
  await queue.enqueueMany(
    "mail",
    Array.from({ length: 3_000 }, (_, i) => ({ text: "x".repeat(100), i })),
  );
  await queue.close();
  const listing = place.start(["jobs", "list", "--all", "-o", "json"]);
  listing.child.stdout?.once("data", () => listing.child.stdout?.destroy());
  expect(await listing.ended).toMatchObject({ code: 0, err: "" });
});

import type { JobView } from "queuack";
import { afterEach, beforeEach, expect, test } from "vitest";
import { seed } from "../fixtures/seed.ts";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

const unknown = "01900000-0000-7000-8000-000000000000";

test("jobs are listed by filter and in pages, and shown with attempts and log", async () => {
  const { mails, dead } = await seed(place);
  const table = await place.run(["jobs", "list"]);
  expect(table.out.split("\n").map((line) => line.split(/ {2,}/)[1])).toEqual([
    "TASK",
    "mail",
    "mail",
    "mail",
    "boom",
    undefined,
  ]);
  const page = await place.run(["jobs", "list", "--tag", "news", "--limit", "2"]);
  expect(page.err).toContain("There are more: --cursor ");
  const cursor = /--cursor (\S+),/.exec(page.err)?.[1] ?? "";
  const rest = await place.json<{ items: JobView[] }>("jobs", "list", "--tag", "news", "--cursor", cursor);
  expect(rest.items.map(({ id }) => id)).toEqual([mails[0]]);
  const all = await place.json<{ items: JobView[]; cursor: null }>("jobs", "list", "--limit", "1", "--all");
  expect(all.items).toHaveLength(4);
  const yaml = await place.run(["jobs", "list", "--state", "discarded", "-o", "yaml"]);
  expect(yaml.out).toContain(`items:\n  - id: ${dead}\n`);

  const shown = await place.run(["jobs", "show", dead]);
  for (const text of ["discarded (failed)", "attempt 1  failed", "Error: kaboom", 'before the end {"a":1}']) {
    expect(shown.out).toContain(text);
  }
  const missing = await place.run(["jobs", "show", unknown]);
  expect(missing).toMatchObject({ code: 3, out: "" });
  expect(missing.err).toContain("QUEUACK_UNKNOWN_JOB");
});

test("jobs are changed by id and by filter; many only with --yes", async () => {
  const { mails, dead } = await seed(place);
  const [first, second, third] = mails as [string, string, string];
  const said = async (...args: string[]) => (await place.run(args)).out;
  expect(
    await Promise.all([
      said("jobs", "hold", first),
      said("jobs", "reschedule", second, "--delay", "2h"),
      said("jobs", "prioritize", third, "--to", "90"),
    ]),
  ).toEqual(["Held 1 job.\n", "Rescheduled 1 job.\n", "Prioritized 1 job.\n"]);
  const { items } = await place.json<{ items: JobView[] }>("jobs", "list", "--queue", "post");
  expect(items).toMatchObject([
    { id: third, priority: 90 },
    { id: second, state: "scheduled" },
    { id: first, state: "pending" },
  ]);
  expect(await place.json("jobs", "release", "--queue", "post", "--yes")).toEqual({ changed: 1 });

  const [many, none, both] = await Promise.all([
    place.run(["jobs", "cancel", "--task", "mail"]),
    place.run(["jobs", "cancel"]),
    place.run(["jobs", "cancel", first, "--all"]),
  ]);
  expect(many.err).toContain("This would cancel 3 jobs.");
  expect(none.err).toContain("Nothing says which jobs to cancel");
  expect(both.err).toContain("Both ids and a filter");
  expect([many, none, both].map(({ code, out }) => code + out)).toEqual(["2", "2", "2"]);
  expect(await said("jobs", "cancel", "--task", "mail", "--yes")).toBe("Cancelled 3 jobs.\n");

  const mixed = await place.run(["jobs", "cancel", second, unknown]);
  expect(mixed).toMatchObject({ code: 3, out: "" });
  expect(mixed.err).toContain(`Job ${second} is cancelled; it can't be cancelled.`);
  expect(mixed.err).toContain(`There is no job ${unknown}.`);
  expect((await place.run(["jobs", "cancel", dead])).code).toBe(1);
  expect(await Promise.all([said("jobs", "retry", dead), said("jobs", "delete", first)])).toEqual([
    "Retried 1 job.\n",
    "Deleted 1 job.\n",
  ]);
});

import type { JobView } from "queuack";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

test("enqueue takes every option, from text, file and stdin", async () => {
  place.write("input.json", '{"path":"a.png"}');
  const flags =
    "--priority high --delay 1h --queue images --max-attempts 7 --timeout 2m --expires-in 1d --tag x --tag y --key k --backoff linear";
  const args = [
    "enqueue",
    "resize",
    "@input.json",
    ...flags.split(" "),
    "--metadata",
    '{"by":"me"}',
    "--tenant",
    "acme",
  ];
  const { id } = await place.json<{ id: string }>(...args);
  expect(await place.json<JobView>("jobs", "show", id)).toMatchObject({
    ...{ task: "resize", queue: "images", tenant: "acme", state: "scheduled", priority: 75, maxAttempts: 7 },
    ...{ timeoutMs: 120_000, tags: ["x", "y"], metadata: { by: "me" }, idempotencyKey: "k", input: { path: "a.png" } },
  });
  const again = await place.run(args);
  expect(again).toMatchObject({ code: 0, out: `${id}\n` });
  expect(again.err).toContain("accepted before");

  const many = await place.run(["enqueue", "mail", "-", "--many"], { input: '[{"to":1},{"to":2}]' });
  expect(many.out.trim().split("\n")).toHaveLength(2);
});

test("a group and uniqueness are set, and what became of another of its kind is said", async () => {
  const said = (input: string, ...flags: string[]) =>
    place.run(["enqueue", "sync", input, "--unique", "--unique-by", "user,place.id", ...flags]);
  const first = await said('{"user":1,"place":{"id":2},"n":1}', "--group", "acme");
  const id = first.out.trim();
  expect(first).toMatchObject({ code: 0, err: "" });

  const ignored = await said('{"user":1,"place":{"id":2},"n":2}');
  expect(ignored).toMatchObject({ code: 0, out: `${id}\n` });
  expect(ignored.err).toBe(`Job ${id} holds the unique key and stays as it is; nothing was added.\n`);
  const refused = await said('{"user":1,"place":{"id":2}}', "--on-conflict", "reject", "-o", "json");
  expect(refused).toMatchObject({ code: 6, out: "" });
  expect(JSON.parse(refused.err)).toMatchObject({ error: { code: "QUEUACK_DUPLICATE_JOB" } });
  const replaced = await said('{"user":1,"place":{"id":2},"n":3}', "--on-conflict", "replace", "-o", "json");
  expect(JSON.parse(replaced.out)).toEqual({ id, duplicate: true, conflict: "replaced" });
  expect(replaced.err).toContain("has taken over input");

  const inputs = '[{"user":1,"place":{"id":2}},{"user":1,"place":{"id":3}}]';
  const many = await said(inputs, "--many", "--on-conflict", "reschedule", "--delay", "1h", "-o", "json");
  expect(JSON.parse(many.out)).toMatchObject([{ id, conflict: "rescheduled" }, { duplicate: false }]);
  expect(many.err).toBe("1 of 2: the job held the unique key and has taken over the time.\n");
  const shown = await place.run(["jobs", "show", id]);
  for (const text of [/state +scheduled\n/, /group +acme\n/, '"n":3']) expect(shown.out).toMatch(text);

  // Once in a period, whatever its state: this one counts beside those that are unique while they live.
  const [once, alone] = await Promise.all([
    place.run(["enqueue", "daily", "--unique", "--unique-period", "1000d"]),
    place.run(["enqueue", "sync", "{}", "--on-conflict", "replace"]),
  ]);
  expect(once.code).toBe(0);
  expect(alone).toMatchObject({ code: 2, out: "" });
  expect(alone.err).toContain("--on-conflict is given without --unique.");
});

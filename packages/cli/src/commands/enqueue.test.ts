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

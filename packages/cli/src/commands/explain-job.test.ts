import type { Explanation } from "queuack";
import { afterEach, beforeEach, expect, test } from "vitest";
import { seed } from "../fixtures/seed.ts";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

const said = async (...args: string[]) => (await place.run(args)).out;

test("a job is explained: what stands in its way, or why nothing does", async () => {
  const { mails, dead } = await seed(place);
  const [mail] = mails as [string];
  await said("limits", "set", "--queue", "post", "--concurrency", "0");
  await said("queues", "pause", "post");
  const shown = await said("jobs", "explain", mail);
  expect(shown).toContain(`Job ${mail} is available; 3 things stand in its way:\n`);
  for (const line of [
    /\npaused +– +Queue post is paused since \S+\.\n/,
    /\nlimit +– +The limit on queue post is full: 0 may run at a time\.\n/,
    /\nno worker +– +No worker is running for tenant default\.\n$/,
  ]) {
    expect(shown).toMatch(line);
  }
  await said("jobs", "reschedule", mail, "--run-at", "2100-01-01T00:00:00Z");
  expect(await said("jobs", "explain", mail)).toMatch(
    /\ntime +in \d+d.* +It starts at 2100-01-01T00:00:00.000Z or later\.\n/,
  );
  const { obstacles, summary } = await place.json<Explanation>("jobs", "explain", mail);
  expect(obstacles.map(({ kind }) => kind)).toEqual(["time", "paused", "limit", "no_worker"]);
  expect(summary).toContain("The limit on queue post is full");

  expect(await said("jobs", "explain", dead)).toBe("The job is over: discarded (failed).\n");
  const missing = await place.run(["jobs", "explain", "01900000-0000-7000-8000-000000000000"]);
  expect(missing).toMatchObject({ code: 3, out: "" });
  expect(missing.err).toContain("QUEUACK_UNKNOWN_JOB");
});

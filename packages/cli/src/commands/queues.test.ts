import { afterEach, beforeEach, expect, test } from "vitest";
import { seed } from "../fixtures/seed.ts";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

test("queues are paused, resumed and purged; stats count", async () => {
  await seed(place);
  expect((await place.run(["queues", "pause", "post"])).out).toBe("Paused post.\n");
  const [paused, nope, refused] = await Promise.all([
    place.run(["queues", "list"]),
    place.run(["queues", "purge", "nope", "--yes"]),
    place.run(["queues", "purge", "post", "--state", "available"]),
  ]);
  expect(paused.out).toMatch(/post +paused \S+ ago +3 +0/);
  expect(nope).toMatchObject({ code: 3, out: "" });
  expect(refused).toMatchObject({ code: 2, out: "" });
  expect(refused.err).toContain("delete 3 jobs");
  expect((await place.run(["queues", "resume", "post", "mial"])).err).toContain("mial has not been used so far");
  const [stats, document] = await Promise.all([place.run(["stats"]), place.json("stats")]);
  expect(stats.out).toMatch(/^QUEUE +WAIT +AVAIL +RUN +RETRY +DONE +DEAD +OLDEST +OK\/MIN +FAIL\/MIN\n/);
  expect(stats.out).toMatch(/post +3 +3 +0 +0 +0 +0 +\d+m?s +0 +0/);
  expect(document).toEqual(
    expect.arrayContaining([expect.objectContaining({ queue: "post", waiting: 3, pausedAt: null })]),
  );
  expect(await place.json("queues", "purge", "post", "--older-than", "1h", "--yes")).toEqual({ deleted: 0 });
  expect(await place.json("queues", "purge", "post", "--state", "available", "--yes")).toEqual({ deleted: 3 });
});

test("the escalation of a queue is set, shown and taken away", async () => {
  await seed(place);
  expect((await place.run(["queues", "list"])).out).not.toContain("ESCALATION");
  expect((await place.run(["queues", "configure", "post", "--escalate-after", "10m"])).out).toBe(
    "Jobs of post rise by 10 whenever they have been available for 10m.\n",
  );
  const fresh = await place.run([
    "queues",
    "configure",
    "new",
    "--escalate-after",
    "1h",
    "--escalate-by",
    "5",
    "-o",
    "json",
  ]);
  expect(JSON.parse(fresh.out)).toEqual({ queue: "new", escalation: { afterMs: 3_600_000, by: 5 } });
  expect(fresh.err).toBe("The queue new has not been used so far.\n");
  const listed = (await place.run(["queues", "list"])).out;
  for (const line of [/ ESCALATION\n/, /\npost .* \+10 every 10m\n/, /\ndefault .* –\n/]) expect(listed).toMatch(line);
  expect(await place.json("queues", "configure", "post", "--no-escalation")).toEqual({
    queue: "post",
    escalation: null,
  });

  const [none, only, both, much] = await Promise.all([
    place.run(["queues", "configure", "post"]),
    place.run(["queues", "configure", "post", "--escalate-by", "5"]),
    place.run(["queues", "configure", "post", "--escalate-after", "1m", "--no-escalation"]),
    place.run(["queues", "configure", "post", "--escalate-after", "1m", "--escalate-by", "101"]),
  ]);
  expect(none.err).toContain("Nothing says what to set.");
  expect(only.err).toContain("--escalate-by alone does not say when.");
  expect(both.err).toContain("Both an escalation and --no-escalation are given.");
  expect(much.err).toContain("from 1 to 100");
  expect([none, only, both, much].map(({ code }) => code)).toEqual([2, 2, 2, 2]);
});

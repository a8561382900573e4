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

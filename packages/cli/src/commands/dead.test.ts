import { afterEach, beforeEach, expect, test } from "vitest";
import { seed } from "../fixtures/seed.ts";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

test("the dead letter queue is listed, retried and purged", async () => {
  const { dead, mails } = await seed(place);
  expect((await place.run(["dead", "list"])).out).toMatch(
    new RegExp(`${dead} +boom +default +discarded +1/1 .*kaboom`),
  );
  expect((await place.run(["dead", "purge", mails[0] as string])).code).toBe(1);
  expect(await place.json("dead", "retry", "--all")).toEqual({ changed: 1 });
  expect(await place.json("dead", "purge", "--all")).toEqual({ changed: 0 });
  const empty = await place.run(["dead", "list"]);
  expect(empty).toMatchObject({ code: 0, out: "", err: "No jobs.\n" });
});

import { connect, task } from "queuack";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

test("kept results are forgotten, of one key or of the whole task", async () => {
  const price = task({
    name: "price",
    cache: { key: ({ input }: { input: string }) => input, ttl: "1h" },
    run: ({ input }: { input: string }) => input.length,
  });
  const queue = await connect(place.path("jobs.db"));
  await queue.worker({ tasks: [price] }).start();
  const jobs = await queue.enqueueMany(price, ["EUR", "USD", "JPY"]);
  await Promise.all(jobs.map((job) => job.result()));
  await queue.close();

  expect((await place.run(["cache", "drop", "--task", "price", "--key", "EUR"])).out).toBe("Forgot 1 result.\n");
  expect(await place.json("cache", "drop", "--task", "price", "--key", "EUR")).toEqual({ dropped: 0 });
  expect(await place.json("cache", "drop", "--task", "price", "--tenant", "acme")).toEqual({ dropped: 0 });
  expect(await place.json("cache", "drop", "--task", "price")).toEqual({ dropped: 2 });
  expect((await place.run(["cache", "drop"])).code).toBe(2);
});

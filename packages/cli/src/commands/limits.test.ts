import { connect, type LimitUsage, task } from "queuack";
import { afterEach, beforeEach, expect, test } from "vitest";
import { seed } from "../fixtures/seed.ts";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

const said = async (...args: string[]) => (await place.run(args)).out;

test("limits are set, listed and removed, each in its scope and tenant", async () => {
  await seed(place);
  expect(await place.run(["limits"])).toMatchObject({ code: 0, out: "", err: "No limits.\n" });
  const set = ["limits", "set"];
  expect(await said(...set, "--task", "mail", "--queue", "post", "--concurrency", "0", "--rate", "100/1m")).toBe(
    "Limited queue post, task mail: 0 at a time, 100 starts in 1m.\n",
  );
  expect(await said(...set, "--group", "*", "--concurrency", "2")).toBe("Limited each group: 2 at a time.\n");
  expect(await said(...set, "--weight", "0.5", "--tenant", "acme")).toBe("Limited tenant acme: weight 0.5.\n");

  const table = await said("limits");
  expect(
    table
      .trim()
      .split("\n")
      .map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ["QUEUE", "TASK", "GROUP", "RUNNING", "STARTED", "WEIGHT"],
    ["post", "mail", "–", "0 of 0", "0 of 100 in 1m", "–"],
    ["–", "–", "*", "0 of 2", "–", "–"],
  ]);
  expect(await place.json<LimitUsage[]>("limits", "--tenant", "acme")).toMatchObject([{ scope: {}, weight: 0.5 }]);

  // In place of what was set before, the rate as well.
  await said(...set, "--task", "mail", "--queue", "post", "--concurrency", "3");
  expect(await place.json<LimitUsage[]>("limits", "list")).toMatchObject([
    { scope: { queue: "post", task: "mail" }, concurrency: 3, rate: null },
    { scope: { group: "*" } },
  ]);
  expect(await said("limits", "remove", "--group", "*")).toBe("Removed the limit on each group.\n");
  const again = await place.run(["limits", "remove", "--group", "*"]);
  expect(again).toMatchObject({ code: 3, out: "" });
  expect(again.err).toContain("There is no limit on each group.");
  expect(await place.json("limits")).toHaveLength(1);
});

test("a limit on each group has a line for each group that uses it", async () => {
  const queue = await connect(place.path("jobs.db"));
  let end: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    end = resolve;
  });
  const hold = task({ name: "hold", run: () => held });
  await queue.limits.set({ group: "*" }, { concurrency: 5, rate: { limit: 9, per: "1h" } });
  await queue.enqueueMany(hold, [1, 2], { group: "acme" });
  const started = new Promise<void>((resolve) => {
    let count = 0;
    queue.on("job:started", () => ++count === 2 && resolve());
  });
  await queue.worker({ tasks: [hold] }).start();
  await started;
  expect(await said("limits")).toMatch(/ {2}\* acme +2 of 5 +2 of 9 in 1h +–\n$/);
  end();
  await queue.close();
});

test("a limit that says nothing, or is none, is wrong usage", async () => {
  await seed(place);
  const wrong: [args: string[], text: string][] = [
    [["set"], "Give --concurrency 5, --rate 100/1m or --weight 2"],
    [["set", "--task", "mail"], "Nothing says what the limit is."],
    [["set", "--rate", "100"], "100/1m"],
    [["set", "--rate", "100/m"], "100/1m"],
    [["set", "--concurrency", "-1"], "whole number from 0"],
    [["set", "--weight", "5", "--queue", "post"], "Only groups and tenants share by weight."],
    [["set", "--weight", "5000"], "from 0.001 to 1000"],
    [["remove", "--task", "two words"], "QUEUACK_INVALID_TASK"],
  ];
  for (const { code, out, err, text } of await Promise.all(
    wrong.map(async ([args, text]) => ({ ...(await place.run(["limits", ...args])), text })),
  )) {
    expect(err).toContain(text);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  }
  expect(await place.json("limits")).toEqual([]);
});

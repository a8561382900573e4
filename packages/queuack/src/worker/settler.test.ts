import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import type { Broker } from "../engine/broker.ts";
import { type TestHouse, testHouse, withFaults } from "./fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

const echo = task({ name: "echo", run: ({ input }: { input: unknown }) => input });

describe("settling", () => {
  test("the outcomes of one tick travel together, and the next claim goes out right behind them", async () => {
    const calls: string[] = [];
    const broker = withFaults(house.broker, {
      settle: (params) => {
        calls.push(`settle ${params.settlements.length}`);
        // Told at the end of this very tick: what comes after it was not sent in the same one.
        setImmediate(() => calls.push("next tick"));
        return house.broker.settle(params);
      },
      claim: (params) => {
        calls.push(`claim ${params.limit}`);
        return house.broker.claim(params);
      },
    });
    for (let n = 0; n < 8; n++) await house.add(echo, n);
    await house.worker({ tasks: [echo], concurrency: 4 }, broker).start();
    await house.clock.advance(0);
    expect(calls.slice(0, 4)).toEqual(["claim 4", "settle 4", "claim 4", "next tick"]);
    expect(calls.filter((call) => call.startsWith("settle"))).toEqual(["settle 4", "settle 4"]);
  });

  test("what is refused is sent again, and nothing new is claimed meanwhile", async () => {
    let failures = 3;
    let claims = 0;
    const broker = withFaults(house.broker, {
      settle: (params) => (failures-- > 0 ? Promise.reject(new Error("busy")) : house.broker.settle(params)),
      claim: (params) => {
        claims++;
        return house.broker.claim(params);
      },
    });
    await house.worker({ tasks: [echo], concurrency: 1 }, broker).start();
    const ids = [await house.add(echo, 1), await house.add(echo, 2)];
    await house.clock.advance("100ms");
    const during = claims;
    expect((await house.job(ids[0] as string)).state).toBe("running");
    await house.clock.advance("2s");
    for (const id of ids) expect((await house.job(id)).state).toBe("completed");
    expect(during).toBeLessThanOrEqual(3);
    expect(house.troubles.map(({ during }) => during)).toEqual(["settle", "settle", "settle"]);
  });

  test("one outcome that the store can't take doesn't take its neighbours along, and is told when it is given up", async () => {
    const broker = withFaults(house.broker, {
      settle: (params) =>
        params.settlements.some((settlement) => settlement.to === "completed" && settlement.result === '"poison"')
          ? Promise.reject(new Error("too much for me"))
          : house.broker.settle(params),
    });
    const inputs = ["a", "b", "poison", "c", "d"];
    const ids: string[] = [];
    for (const input of inputs) ids.push(await house.add(echo, input, { maxAttempts: 1 }));
    await house.worker({ tasks: [echo] }, broker).start();
    await house.clock.advance("3s");
    const states = await Promise.all(ids.map(async (id) => (await house.job(id)).state));
    expect(states).toEqual(["completed", "completed", "running", "completed", "completed"]);
    await house.clock.advance("40s");
    expect(await house.job(ids[2] as string)).toMatchObject({ state: "discarded", outcome: "crashed" });
    expect(house.troubles.at(-1)).toMatchObject({ during: "settle", jobs: [ids[2]] });
    expect(house.troubles.at(-1)?.message).toContain("will run again");
  });

  test("a reply that says lost is counted", async () => {
    const settle: Broker["settle"] = async ({ settlements }) => settlements.map(() => "lost");
    const worker = house.worker({ tasks: [echo] }, withFaults(house.broker, { settle }));
    await worker.start();
    await house.add(echo);
    await house.clock.advance(0);
    expect(worker.lost).toBe(1);
  });

  test("stopping waits until every outcome is settled", async () => {
    let failures = 4;
    const broker = withFaults(house.broker, {
      settle: (params) => (failures-- > 0 ? Promise.reject(new Error("busy")) : house.broker.settle(params)),
    });
    const worker = house.worker({ tasks: [echo] }, broker);
    await worker.start();
    const id = await house.add(echo);
    await house.clock.advance(0);
    const stopped = worker.stop();
    await house.clock.advance("500ms");
    expect(worker.state).toBe("stopping");
    await house.clock.advance("1s");
    await stopped;
    expect((await house.job(id)).state).toBe("completed");
  });

  test("an onError hook that throws stops nothing", async () => {
    let failures = 1;
    const broker = withFaults(house.broker, {
      settle: (params) => (failures-- > 0 ? Promise.reject(new Error("busy")) : house.broker.settle(params)),
    });
    const warnings: string[] = [];
    const hear = (warning: Error) => warnings.push(warning.message);
    process.on("warning", hear);
    const onError = () => {
      throw new Error("hook");
    };
    await house.worker({ tasks: [echo], onError }, broker).start();
    const id = await house.add(echo);
    await house.clock.advance("1s");
    process.off("warning", hear);
    expect((await house.job(id)).state).toBe("completed");
    expect(warnings.some((message) => message.includes("hook"))).toBe(true);
  });
});

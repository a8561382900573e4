import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import type { Broker } from "../engine/broker.ts";
import { Gate, type TestHouse, testHouse, withFaults } from "./fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

describe("reports", () => {
  test("of one tick travel together, before the outcomes, with only the latest progress", async () => {
    const calls: unknown[] = [];
    const broker = withFaults(house.broker, {
      report: (params) => {
        calls.push(params.reports.map(({ progress, logs }) => [progress, logs?.length]));
        return house.broker.report(params);
      },
      settle: (params) => {
        calls.push("settle");
        return house.broker.settle(params);
      },
    });
    const telling = task({
      name: "telling",
      run: ({ progress, log }) => {
        log("one");
        void progress(0.1);
        void progress(0.9);
        log("two");
      },
    });
    for (let n = 0; n < 2; n++) await house.add(telling);
    await house.worker({ tasks: [telling] }, broker).start();
    await house.clock.advance(0);
    const each = ["0.9", 2];
    expect(calls).toEqual([[each, each], "settle"]);
  });

  test("a report whose lease is lost aborts the job", async () => {
    const report: Broker["report"] = async ({ reports }) => ({ lost: reports.map(({ token }) => token) });
    const outcomes: unknown[] = [];
    const telling = task({
      name: "telling",
      run: async ({ progress, signal }) => {
        outcomes.push(await progress({ page: 1 }).catch((error) => error.code), signal.aborted);
      },
    });
    await house.worker({ tasks: [telling] }, withFaults(house.broker, { report })).start();
    await house.add(telling);
    await house.clock.advance(0);
    expect(outcomes).toEqual(["QUEUACK_LEASE_LOST", true]);
  });

  test("a report that fails is tried again while the job runs", async () => {
    let failing = 2;
    const broker = withFaults(house.broker, {
      report: (params) => (failing-- > 0 ? Promise.reject(new Error("busy")) : house.broker.report(params)),
    });
    const telling = task({
      name: "telling",
      run: async ({ progress, log }) => {
        log("first");
        await progress(0.1);
        log("second");
      },
    });
    await house.worker({ tasks: [telling] }, broker).start();
    const id = await house.add(telling);
    await house.clock.advance("3s");
    expect((await house.job(id)).state).toBe("completed");
    expect((await house.history(id)).logs.map(({ message }) => message)).toEqual(["first", "second"]);
  });

  test("log lines keep their order when the first of them were refused", async () => {
    let failing = 1;
    const [refused, told] = [new Gate(), new Gate()];
    const broker = withFaults(house.broker, {
      report: async (params) => {
        if (failing-- > 0) throw new Error("busy");
        return house.broker.report(params);
      },
    });
    const telling = task({
      name: "telling",
      run: async ({ log }) => {
        log("first");
        await refused.passed;
        log("second");
        await told.passed;
      },
    });
    await house.worker({ tasks: [telling] }, broker).start();
    const id = await house.add(telling);
    await house.clock.advance("500ms");
    refused.open();
    await house.clock.advance("2s");
    expect((await house.history(id)).logs.map(({ message }) => message)).toEqual(["first", "second"]);
    told.open();
  });

  test("one that the store can't take holds up neither its neighbours nor its handler", async () => {
    const broker = withFaults(house.broker, {
      report: (params) =>
        params.reports.some(({ progress }) => progress === '{"poison":1}')
          ? Promise.reject(new Error("too much for me"))
          : house.broker.report(params),
    });
    const telling = task({
      name: "telling",
      run: async ({ input, progress }: { input: string; progress: (told: Record<string, unknown>) => Promise<void> }) =>
        progress({ [input]: 1 }),
    });
    const ids = [await house.add(telling, "poison"), await house.add(telling, "fine")] as const;
    await house.worker({ tasks: [telling] }, broker).start();
    await house.clock.advance("2500ms");
    expect(await house.job(ids[1])).toMatchObject({ state: "completed", progress: '{"fine":1}' });
    expect((await house.job(ids[0])).state).toBe("running");
    await house.clock.advance("5s");
    expect(await house.job(ids[0])).toMatchObject({ state: "completed", progress: null });
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import type { Broker } from "../engine/broker.ts";
import { Gate, type TestHouse, testHouse, untilAborted, withFaults } from "./fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

/** A task that runs until it is aborted, and notes why. */
function patient() {
  const reasons: { code: string }[] = [];
  const definition = task({
    name: "patient",
    timeout: "1d",
    run: ({ signal }) =>
      untilAborted(signal).catch((reason) => {
        reasons.push(reason);
        throw reason;
      }),
  });
  return { reasons, definition };
}

describe("leases", () => {
  test("are kept for as long as the job runs, with one renewal for all", async () => {
    const gate = new Gate();
    const long = task({ name: "long", timeout: "1d", run: () => gate.passed });
    const renewals: number[] = [];
    const broker = withFaults(house.broker, {
      renew: (params) => {
        renewals.push(params.tokens.length);
        return house.broker.renew(params);
      },
    });
    await house.worker({ tasks: [long] }, broker).start();
    const ids = [await house.add(long), await house.add(long)];
    await house.clock.advance("2m");
    expect(renewals).toEqual(Array(12).fill(2));
    expect((await house.job(ids[0] as string)).attempt).toBe(1);
    gate.open();
    for (const id of ids) expect(await house.finished(id)).toMatchObject({ state: "completed" });
  });

  test("a lost one aborts the signal, and the result is dropped", async () => {
    const { reasons, definition } = patient();
    const lost: Partial<Broker> = { renew: async ({ tokens }) => ({ lost: tokens, cancelled: [] }) };
    const worker = house.worker({ tasks: [definition] }, withFaults(house.broker, lost));
    await worker.start();
    const id = await house.add(definition);
    await house.clock.advance("10s");
    expect(reasons).toMatchObject([{ code: "QUEUACK_LEASE_LOST" }]);
    expect(worker.running).toBe(0);
    expect(await house.job(id)).toMatchObject({ state: "running", attempt: 1 });
  });

  test("a cancellation that only the renewal tells of stops the job", async () => {
    const { reasons, definition } = patient();
    // As if another process had cancelled it: this one hears no signal.
    await house.worker({ tasks: [definition] }, withFaults(house.broker, { onWork: () => () => undefined })).start();
    const id = await house.add(definition);
    await house.clock.advance("2s");
    await house.broker.change({ ids: [id], change: { kind: "cancel" } });
    await house.clock.advance("10s");
    expect(reasons).toMatchObject([{ code: "QUEUACK_JOB_CANCELLED" }]);
    expect((await house.job(id)).state).toBe("cancelled");
  });

  test("a renewal that fails is tried again, and the job goes on", async () => {
    const { reasons, definition } = patient();
    let failing = true;
    const broker = withFaults(house.broker, {
      renew: (params) => (failing ? Promise.reject(new Error("busy")) : house.broker.renew(params)),
    });
    await house.worker({ tasks: [definition] }, broker).start();
    const id = await house.add(definition);
    await house.clock.advance("25s");
    failing = false;
    await house.clock.advance("1m");
    expect(reasons).toEqual([]);
    expect(await house.job(id)).toMatchObject({ state: "running", attempt: 1 });
    expect(house.troubles.filter(({ during }) => during === "renew").length).toBeGreaterThan(10);
  });

  test.each<[string, Broker["renew"]]>([
    ["fails", () => Promise.reject(new Error("gone"))],
    ["never answers", () => new Promise(() => undefined)],
  ])("when renewing %s, the job is aborted before its lease can be another's", async (_, renew) => {
    const { reasons, definition } = patient();
    await house.worker({ tasks: [definition] }, withFaults(house.broker, { renew })).start();
    await house.add(definition);
    await house.clock.advance("28s");
    expect(reasons).toEqual([]);
    await house.clock.advance("2s");
    expect(reasons).toMatchObject([{ code: "QUEUACK_LEASE_LOST" }]);
  });

  test("an answer that was asked for late is waited for, once", async () => {
    const { reasons, definition } = patient();
    const answers: Gate[] = [];
    const broker = withFaults(house.broker, {
      renew: async () => {
        const gate = new Gate();
        answers.push(gate);
        await gate.passed;
        return { lost: [], cancelled: [] };
      },
    });
    // The third heartbeat goes out 300 ms before the lease runs out, as if the event loop had been blocked until then.
    await house.worker({ tasks: [definition], heartbeat: 9_900 }, broker).start();
    await house.add(definition);
    await house.clock.advance(30_500);
    expect(answers).toHaveLength(3);
    expect(reasons).toEqual([]);
    answers[2]?.open();
    await house.clock.advance("20s");
    expect(reasons).toEqual([]);
    await house.clock.advance("15s");
    expect(reasons[0]).toMatchObject({ code: "QUEUACK_LEASE_LOST" });
  });

  test("a step of the host's clock ends no lease", async () => {
    const { reasons, definition } = patient();
    const renew: Broker["renew"] = async () => ({ lost: [], cancelled: [] });
    await house.worker({ tasks: [definition] }, withFaults(house.broker, { renew })).start();
    await house.add(definition);
    await house.clock.advance("1s");
    house.clock.set(house.clock.now() + 86_400_000);
    await house.clock.advance("1m");
    expect(reasons).toEqual([]);
  });

  test("heartbeat() renews now, and throws when the lease is lost", async () => {
    let lost = false;
    const broker = withFaults(house.broker, {
      renew: async (params) => (lost ? { lost: params.tokens, cancelled: [] } : house.broker.renew(params)),
    });
    const outcomes: unknown[] = [];
    const beating = task({
      name: "beating",
      run: async ({ heartbeat, progress }) => {
        outcomes.push(await heartbeat());
        lost = true;
        outcomes.push(await heartbeat().catch((error) => error.code));
        outcomes.push(await progress(1).catch((error) => error.code));
      },
    });
    await house.worker({ tasks: [beating] }, broker).start();
    await house.add(beating);
    await house.clock.advance(0);
    expect(outcomes).toEqual([undefined, "QUEUACK_LEASE_LOST", "QUEUACK_LEASE_LOST"]);
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import { Gate, type TestHouse, testHouse } from "./fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

/** A task that ignores its signal: each job runs until the test opens its gate. */
function deaf(timeout = "1s") {
  const gates: Gate[] = [];
  const definition = task({
    name: "deaf",
    timeout,
    run: () => {
      const gate = new Gate();
      gates.push(gate);
      return gate.passed;
    },
  });
  return { gates, definition };
}

const quick = task({ name: "quick", run: () => "done" });

describe("a handler that goes on after its attempt is over", () => {
  test("keeps its slot until it returns", async () => {
    const { gates, definition } = deaf();
    const worker = house.worker({ tasks: [definition, quick], concurrency: 1 });
    await worker.start();
    const id = await house.add(definition, undefined, { maxAttempts: 1 });
    await house.clock.advance("1s");
    expect((await house.job(id)).outcome).toBe("timed_out");
    expect(worker.running).toBe(1);
    const next = await house.add(quick);
    await house.clock.advance("10s");
    expect((await house.job(next)).state).toBe("available");
    gates[0]?.open();
    expect(await house.finished(next)).toMatchObject({ state: "completed" });
    expect(worker.running).toBe(0);
  });

  test("loses it after a while, so that a handler that never returns costs no slot for ever", async () => {
    const { definition } = deaf();
    const worker = house.worker({ tasks: [definition, quick], concurrency: 1 });
    await worker.start();
    const id = await house.add(definition, undefined, { maxAttempts: 1 });
    await house.clock.advance("1s");
    const next = await house.add(quick);
    await house.clock.advance("31s");
    expect((await house.job(next)).state).toBe("completed");
    expect(house.troubles).toMatchObject([{ during: "slots", jobs: [id] }]);
  });

  test("never are there more than twice the concurrency", async () => {
    const { gates, definition } = deaf();
    const worker = house.worker({ tasks: [definition], concurrency: 2 });
    await worker.start();
    for (let n = 0; n < 10; n++) await house.add(definition, n, { maxAttempts: 1 });
    await house.clock.advance("10m");
    expect(gates).toHaveLength(4);
    gates[0]?.open();
    await house.clock.advance("1m");
    expect(gates).toHaveLength(5);
    for (const gate of gates) gate.open();
  });
});

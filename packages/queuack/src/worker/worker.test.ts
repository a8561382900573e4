import { EventEmitter } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import type { Broker } from "../engine/broker.ts";
import { Gate, type TestHouse, testHouse, untilAborted, withFaults } from "./fixtures/test-house.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await testHouse();
});
afterEach(() => house.close());

/** A task whose jobs run until the test opens their gate; tells which have started. */
function gated(name = "gated") {
  const gate = new Gate();
  const started: unknown[] = [];
  const definition = task({
    name,
    run: async ({ input, signal }: { input: unknown; signal: AbortSignal }) => {
      started.push(input);
      await Promise.race([gate.passed, untilAborted(signal)]);
    },
  });
  return { gate, started, definition };
}

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

describe("claiming", () => {
  test("never more than there are free slots", async () => {
    const { gate, started, definition } = gated();
    const limits: number[] = [];
    const broker = withFaults(house.broker, {
      claim: (params) => {
        limits.push(params.limit);
        return house.broker.claim(params);
      },
    });
    const worker = house.worker({ tasks: [definition], concurrency: 3 }, broker);
    await worker.start();
    for (let n = 0; n < 5; n++) await house.add(definition, n);
    await house.clock.advance("10s");
    expect(started).toEqual([0, 1, 2]);
    expect(worker.running).toBe(3);
    expect(Math.max(...limits)).toBe(3);
    gate.open();
    await house.clock.advance(0);
    expect(started).toEqual([0, 1, 2, 3, 4]);
    expect(worker.running).toBe(0);
  });

  test("a freed slot is refilled at once beside long jobs", async () => {
    const gates = [new Gate(), new Gate(), new Gate()];
    const started: number[] = [];
    const long = task({
      name: "long",
      run: async ({ input }: { input: number }) => {
        started.push(input);
        await gates[input]?.passed;
      },
    });
    await house.worker({ tasks: [long], concurrency: 2 }).start();
    for (let n = 0; n < 3; n++) await house.add(long, n);
    await house.clock.advance(0);
    expect(started).toEqual([0, 1]);
    gates[1]?.open();
    await house.clock.advance(0);
    expect(started).toEqual([0, 1, 2]);
    for (const gate of gates) gate.open();
  });

  test("a job starts on the signal of its arrival, without time passing", async () => {
    const { started, definition, gate } = gated();
    await house.worker({ tasks: [definition] }).start();
    await house.clock.advance("5s");
    await house.add(definition, "now");
    await house.clock.advance(0);
    expect(started).toEqual(["now"]);
    gate.open();
  });

  test("an idle worker asks at most once a second", async () => {
    let claims = 0;
    const broker = withFaults(house.broker, {
      claim: (params) => {
        claims++;
        return house.broker.claim(params);
      },
    });
    await house.worker({ tasks: [gated().definition] }, broker).start();
    await house.clock.advance("1m");
    expect(claims).toBeLessThanOrEqual(62);
    expect(claims).toBeGreaterThanOrEqual(58);
  });

  test("a task that the worker doesn't know is left for others", async () => {
    const { definition } = gated();
    await house.worker({ tasks: [definition] }).start();
    const id = await house.add("unknown");
    await house.clock.advance("5s");
    expect(await house.job(id)).toMatchObject({ state: "available", attempt: 0 });
  });

  test("the queues of its tasks are served by default, others only when named", async () => {
    const mail = task({ name: "mail", queue: "mails", run: () => "sent" });
    await house.worker({ tasks: [mail] }).start();
    const [own, common, other] = await Promise.all(
      ["mails", "default", "else"].map((queue) => house.add(mail, undefined, { queue })),
    );
    await house.finished(own as string);
    await house.finished(common as string);
    await house.clock.advance("2s");
    expect((await house.job(other as string)).state).toBe("available");
  });

  test.each([
    ["strict order", ["urgent", "default"], ["urgent", "urgent", "urgent", "default", "default", "default"]],
    ["weights", { urgent: 2, default: 1 }, ["urgent", "default", "urgent", "urgent", "default", "default"]],
  ])("queues in %s", async (_, queues, order) => {
    const seen: string[] = [];
    const note = task({ name: "note", run: ({ job }) => void seen.push(job.queue) });
    for (const queue of ["default", "urgent"]) {
      for (let n = 0; n < 3; n++) await house.add(note, n, { queue });
    }
    await house.worker({ tasks: [note], queues, concurrency: 1 }).start();
    await house.clock.advance(0);
    expect(seen).toEqual(order);
  });

  test("one claim at a time; a job that arrives meanwhile is claimed right after it", async () => {
    const held = new Gate();
    let open = 0;
    let most = 0;
    const broker = withFaults(house.broker, {
      claim: async (params) => {
        most = Math.max(most, ++open);
        const jobs = await house.broker.claim(params);
        await held.passed;
        open--;
        return jobs;
      },
    });
    const { definition, started, gate } = gated();
    await house.worker({ tasks: [definition] }, broker).start();
    await house.clock.advance(0);
    for (let n = 0; n < 3; n++) await house.add(definition, n);
    await house.clock.advance(0);
    expect(started).toEqual([]);
    held.open();
    await house.clock.advance(0);
    expect(started).toEqual([0, 1, 2]);
    expect(most).toBe(1);
    gate.open();
  });

  test("claims that fail are tried again, ever less often", async () => {
    let failures = 5;
    const broker = withFaults(house.broker, {
      claim: (params) => (failures-- > 0 ? Promise.reject(new Error("busy")) : house.broker.claim(params)),
    });
    const { definition, started, gate } = gated();
    await house.worker({ tasks: [definition] }, broker).start();
    // Signals that come meanwhile hurry nothing.
    for (let n = 0; n < 10; n++) {
      await house.add(definition, n);
      await house.clock.advance("50ms");
    }
    expect(started).toEqual([]);
    await house.clock.advance("2s");
    expect(started).toHaveLength(10);
    expect(house.troubles.filter(({ during }) => during === "claim")).toHaveLength(5);
    gate.open();
  });
});

describe("pausing and concurrency", () => {
  test("a paused worker starts nothing until it is resumed", async () => {
    const { definition, started, gate } = gated();
    const worker = house.worker({ tasks: [definition] });
    await worker.start();
    await house.add(definition, 1);
    await house.clock.advance(0);
    worker.pause();
    expect(worker.state).toBe("paused");
    const id = await house.add(definition, 2);
    await house.clock.advance("5s");
    expect(started).toEqual([1]);
    expect(await house.job(id)).toMatchObject({ state: "available", attempt: 0 });
    worker.resume();
    await house.clock.advance(0);
    expect(started).toEqual([1, 2]);
    gate.open();
  });

  test("what a claim brings after pausing is given back, and no attempt is consumed", async () => {
    const { definition, started } = gated();
    const id = await house.add(definition, 1);
    let worker: ReturnType<typeof house.worker> | undefined;
    const broker = withFaults(house.broker, {
      claim: async (params) => {
        const jobs = await house.broker.claim(params);
        worker?.pause();
        return jobs;
      },
    });
    worker = house.worker({ tasks: [definition] }, broker);
    await worker.start();
    await house.clock.advance(0);
    expect(started).toEqual([]);
    expect(await house.job(id)).toMatchObject({ state: "available", attempt: 0 });
  });

  test("more slots are used at once, fewer as jobs end", async () => {
    const gates = [0, 1, 2, 3, 4].map(() => new Gate());
    const started: number[] = [];
    const long = task({
      name: "long",
      run: async ({ input }: { input: number }) => {
        started.push(input);
        await gates[input]?.passed;
      },
    });
    const worker = house.worker({ tasks: [long], concurrency: 1 });
    await worker.start();
    for (let n = 0; n < 5; n++) await house.add(long, n);
    await house.clock.advance(0);
    expect(started).toEqual([0]);
    worker.setConcurrency(3);
    await house.clock.advance(0);
    expect(started).toEqual([0, 1, 2]);
    worker.setConcurrency(1);
    gates[0]?.open();
    gates[1]?.open();
    await house.clock.advance("2s");
    expect(started).toEqual([0, 1, 2]);
    gates[2]?.open();
    await house.clock.advance(0);
    expect(started).toEqual([0, 1, 2, 3]);
    for (const gate of gates) gate.open();
    expect(() => worker.setConcurrency(0)).toThrow(expect.objectContaining({ code: "QUEUACK_INVALID_OPTION" }));
  });
});

describe("shutting down", () => {
  test("waits for running jobs within the grace, then deregisters", async () => {
    const { definition, gate, started } = gated();
    const worker = house.worker({ tasks: [definition] });
    await worker.start();
    const id = await house.add(definition, 1);
    await house.clock.advance(0);
    const stopped = worker.stop();
    expect(worker.state).toBe("stopping");
    const later = await house.add(definition, 2);
    await house.clock.advance("20s");
    gate.open();
    await stopped;
    expect(worker.state).toBe("stopped");
    expect(started).toEqual([1]);
    expect((await house.job(id)).state).toBe("completed");
    expect(await house.job(later)).toMatchObject({ state: "available", attempt: 0 });
    expect((await house.broker.listWorkers())[0]).toMatchObject({ id: worker.id, state: "stopped" });
    expect(house.clock.pending).toBe(0);
  });

  test("after the grace, what is left is aborted and given back; a handler that ignores it is not waited for", async () => {
    const { definition } = gated();
    const deaf = task({ name: "deaf", run: () => new Promise<void>(() => undefined) });
    const worker = house.worker({ tasks: [definition, deaf], shutdownGrace: "3s" });
    await worker.start();
    const heeding = await house.add(definition);
    const ignoring = await house.add(deaf);
    await house.clock.advance(0);
    const stopped = worker.stop();
    await house.clock.advance("3s");
    expect(await house.job(heeding)).toMatchObject({ state: "available", attempt: 0 });
    expect((await house.job(ignoring)).state).toBe("running");
    await house.clock.advance("1s");
    await stopped;
    expect(await house.job(ignoring)).toMatchObject({ state: "available", attempt: 0 });
  });

  test("what a claim brings after the stop is given back before the worker says goodbye", async () => {
    const held = new Gate();
    const calls: string[] = [];
    const broker = withFaults(house.broker, {
      claim: async (params) => {
        const jobs = await house.broker.claim(params);
        await held.passed;
        return jobs;
      },
      settle: async (params) => {
        const replies = await house.broker.settle(params);
        calls.push("settled");
        return replies;
      },
      deregisterWorker: (params) => {
        calls.push("goodbye");
        return house.broker.deregisterWorker(params);
      },
    });
    const { definition, started } = gated();
    const id = await house.add(definition);
    const worker = house.worker({ tasks: [definition] }, broker);
    await worker.start();
    await house.clock.advance(0);
    const stopped = worker.stop();
    await house.clock.advance("1s");
    held.open();
    await stopped;
    expect(calls).toEqual(["settled", "goodbye"]);
    expect(started).toEqual([]);
    expect(await house.job(id)).toMatchObject({ state: "available", attempt: 0 });
  });

  test("a job that was cancelled stays so when the worker stops as well", async () => {
    const deaf = task({ name: "deaf", run: () => new Promise<void>(() => undefined) });
    const worker = house.worker({ tasks: [deaf] });
    await worker.start();
    const id = await house.add(deaf);
    await house.clock.advance(0);
    await house.broker.change({ ids: [id], change: { kind: "cancel" } });
    const stopped = worker.stop({ grace: 0 });
    await house.clock.advance("1s");
    await stopped;
    expect((await house.job(id)).state).toBe("cancelled");
  });

  test("a second stop can shorten the grace", async () => {
    const { definition } = gated();
    const worker = house.worker({ tasks: [definition] });
    await worker.start();
    const id = await house.add(definition);
    await house.clock.advance(0);
    const first = worker.stop({ grace: "1h" });
    const second = worker.stop({ grace: 0 });
    await house.clock.advance(0);
    await Promise.all([first, second]);
    expect(await house.job(id)).toMatchObject({ state: "available", attempt: 0 });
  });

  test("run() ends on the first signal and leaves no listener; a second signal exits at once", async () => {
    const { definition, gate } = gated();
    const signals = new FakeProcess();
    const worker = house.worker({ tasks: [definition] }, house.broker, signals);
    const run = worker.run();
    await house.clock.advance(0);
    await house.add(definition);
    await house.clock.advance(0);
    signals.emit("SIGTERM");
    expect(worker.state).toBe("stopping");
    expect(signals.exits).toEqual([]);
    signals.emit("SIGINT");
    expect(signals.exits).toEqual([130]);
    gate.open();
    await run;
    expect(worker.state).toBe("stopped");
    expect(signals.listenerCount("SIGTERM") + signals.listenerCount("SIGINT")).toBe(0);
  });

  test("a worker that never started stops at once, and none starts twice", async () => {
    const { definition } = gated();
    const worker = house.worker({ tasks: [definition] });
    await worker.stop();
    expect(worker.state).toBe("stopped");
    await expect(worker.start()).rejects.toThrow(expect.objectContaining({ code: "QUEUACK_NOT_ALLOWED" }));
  });

  test("a stop while registering leaves nobody registered", async () => {
    const worker = house.worker({ tasks: [gated().definition] });
    const started = worker.start();
    await Promise.all([started, worker.stop()]);
    expect(worker.state).toBe("stopped");
    expect((await house.broker.listWorkers()).map(({ state }) => state)).toEqual(["stopped"]);
    expect(house.clock.pending).toBe(0);
  });

  test("a broker that never answers doesn't hold the shutdown up", async () => {
    const silent = () => new Promise<never>(() => undefined);
    const faults: Partial<Broker> = { claim: silent, deregisterWorker: silent };
    const worker = house.worker({ tasks: [gated().definition] }, withFaults(house.broker, faults));
    await worker.start();
    await house.clock.advance(0);
    const stopped = worker.stop();
    await house.clock.advance("11s");
    await stopped;
  });

  test("a registration that fails is the starter's to know, and leaves nothing behind", async () => {
    const broker = withFaults(house.broker, { registerWorker: () => Promise.reject(new Error("no")) });
    const worker = house.worker({ tasks: [gated().definition] }, broker);
    await expect(worker.run()).rejects.toThrow("no");
    expect(worker.state).toBe("stopped");
  });
});

describe("being known", () => {
  test("beats with its vitals", async () => {
    const { definition, gate } = gated();
    const worker = house.worker({ tasks: [definition], concurrency: 4 });
    await worker.start();
    await house.add(definition);
    await house.clock.advance("10s");
    const [record] = await house.broker.listWorkers();
    expect(record).toMatchObject({ id: worker.id, tasks: ["gated"], queues: ["default"], concurrency: 4 });
    expect(record?.vitals).toMatchObject({ running: 1 });
    expect(record?.vitals?.memoryBytes).toBeGreaterThan(1e6);
    gate.open();
  });

  test("taken for dead, it drops what it held and begins anew under another id", async () => {
    const reasons: unknown[] = [];
    const held = task({
      name: "held",
      run: async ({ signal, attempt }) => {
        if (attempt === 1) await untilAborted(signal).catch((reason) => reasons.push(reason));
        return attempt;
      },
    });
    const worker = house.worker({ tasks: [held] });
    await worker.start();
    const before = worker.id;
    const id = await house.add(held);
    await house.clock.advance(0);
    await house.broker.deregisterWorker({ id: before });
    await house.clock.advance("15s");
    expect(reasons).toMatchObject([{ code: "QUEUACK_LEASE_LOST" }]);
    expect(worker.id).not.toBe(before);
    expect(await house.finished(id)).toMatchObject({ state: "completed", result: "2" });
    expect((await house.broker.listWorkers()).map(({ state }) => state)).toEqual(["stopped", "running"]);
  });
});

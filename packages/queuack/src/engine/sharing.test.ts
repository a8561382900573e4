import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { temporaryFolder } from "../storage/sqlite/fixtures/test-store.ts";
import { openSqliteStore } from "../storage/sqlite/sqlite-store.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { LocalBroker } from "./local-broker.ts";
import { systemClock } from "./system-clock.ts";

/** The real engine on the system's time, with what was told to `onError`. */
async function engine({ path = ":memory:", clock = systemClock } = {}) {
  const told: unknown[] = [];
  const store = await openSqliteStore({ path, clock });
  const broker = new LocalBroker(store, { clock, onError: (error) => told.push(error) });
  onTestFinished(() => broker.close());
  return { broker, store, told };
}

test("a queue in memory tells once that it has become a file, why, and what to do", async () => {
  const { broker, told } = await engine();
  const place = await broker.share({ reason: "worker processes" });
  expect(place).toMatchObject({ temporary: true });
  expect(await broker.share({ reason: "another need" })).toEqual(place);
  expect(told).toMatchObject([
    {
      code: "QUEUACK_MEMORY_MOVED",
      message: expect.stringMatching(/for worker processes: .*jobs\.db.*Give connect\(\) a file/),
      details: { url: place.url, reason: "worker processes" },
    },
  ]);
  expect(broker.capabilities.persistent).toBe(false);
  await broker.close();
  expect(existsSync(dirname(place.url))).toBe(false);
  await expect(broker.share({ reason: "too late" })).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
});

test("a file has nothing to tell", async () => {
  const path = join(temporaryFolder(), "jobs.db");
  const { broker, told } = await engine({ path });
  expect(await broker.share({ reason: "worker processes" })).toEqual({ url: path, temporary: false });
  expect(told).toEqual([]);
});

test("whoever shares a queue watches over the workers of others, without one of its own", async () => {
  const { broker } = await engine();
  const { url } = await broker.share({ reason: "worker processes" });
  const lost = new Promise((resolve) => broker.subscribe({ names: ["worker:lost"] }, resolve));
  const other = await openSqliteStore({ path: url, clock: systemClock });
  await other.workers.register({
    worker: { id: "w", host: "here", pid: 1, tasks: [], queues: ["default"], concurrency: 1 },
  });
  // Its lock goes without a word of leave, as with a killed process.
  await other.close();
  expect(await lost).toMatchObject({ worker: "w" });
});

test("time of its own does not reach other processes, and the queue stays where it is", async () => {
  const { broker, store } = await engine({ clock: new FakeClock() });
  await expect(broker.share({ reason: "worker processes" })).rejects.toMatchObject({
    code: "QUEUACK_UNSUPPORTED",
    message: expect.stringContaining("clock of its own"),
  });
  expect(store.capabilities.shared).toBe(false);
});

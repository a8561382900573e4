// bee-queue, over Redis in each of its classes of durability.
import { missingPackage, versionsOf } from "../installed.mjs";
import { missingRedis, redisClasses, redisVersion } from "./redis-classes.mjs";

/** @typedef {import("../cases.mjs").System} System */
/** @typedef {import("../servers/servers.mjs").Servers} Servers */

/** @param {import("../servers/redis.mjs").Persistence} persistence @returns {System} */
function onRedis(persistence) {
  const packages = ["bee-queue"];
  const { suffix, durability, text } = redisClasses[persistence];
  return {
    name: `bee-queue${suffix}`,
    durability,
    server: { kind: "redis", persistence },
    get version() {
      return `${versionsOf(packages)}, ${redisVersion()}`;
    },
    settings: `${text}; saveAll, concurrency as given, storeJobs, sendEvents and getEvents off, removeOnSuccess (the settings of its own benchmark)`,
    missing: async () => missingPackage(packages) ?? missingRedis(),
    open: async (servers) => {
      const redis = await /** @type {Servers} */ (servers).redis(persistence);
      await redis.clear();
      return await session(redis);
    },
  };
}

/** @param {import("../servers/redis.mjs").RedisServer} redis @returns {Promise<import("../cases.mjs").Session>} */
async function session(redis) {
  const { default: Queue } = await import("bee-queue");
  const queue = new Queue("work", {
    redis: { host: redis.host, port: redis.port },
    storeJobs: false,
    sendEvents: false,
    getEvents: false,
    removeOnSuccess: true,
  });
  await queue.ready();
  return {
    enqueue: (input) => queue.createJob(input).save(),
    enqueueMany: async (inputs) => {
      const failures = await queue.saveAll(inputs.map((input) => queue.createJob(input)));
      for (const failure of failures.values()) throw failure;
    },
    work: async (concurrency, handler) => {
      queue.process(concurrency, async (/** @type {{ data: any }} */ job) => handler(job.data));
      return () => queue.close();
    },
    close: async () => {
      await queue.close();
      await redis.clear();
    },
  };
}

/** bee-queue by what its Redis keeps. */
export const beeQueue = [onRedis("always"), onRedis("everysec"), onRedis("none")];

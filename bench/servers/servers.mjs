import { startPostgres } from "./postgres.mjs";
import { startRedis } from "./redis.mjs";

/** @typedef {import("./redis.mjs").Persistence} Persistence */

/** The server that a system needs. @typedef {{ kind: "redis", persistence: Persistence } | { kind: "postgres" }} Server */

/** The servers of a bench: each is started when a system first asks for it, and shared from then on. */
export class Servers {
  /** @type {Map<Persistence, Promise<import("./redis.mjs").RedisServer>>} */
  #redis = new Map();
  /** @type {Promise<import("./postgres.mjs").PostgresServer> | undefined} */
  #postgres;

  /** @param {Persistence} persistence */
  redis(persistence) {
    const server = this.#redis.get(persistence) ?? startRedis(persistence);
    this.#redis.set(persistence, server);
    return server;
  }

  postgres() {
    this.#postgres ??= startPostgres();
    return this.#postgres;
  }

  /** Stops all of them. */
  async stop() {
    const running = await Promise.all([...this.#redis.values(), ...(this.#postgres ? [this.#postgres] : [])]);
    this.#redis.clear();
    this.#postgres = undefined;
    for (const server of running) await server.stop();
  }
}

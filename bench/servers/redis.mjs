// A Redis of the machine, started on loopback with a folder of its own for as long as a bench runs.
import { execFileSync, spawn } from "node:child_process";
import { atEnd, removeFolder, temporaryFolder } from "../endings.mjs";
import { freePort } from "./free-port.mjs";

/**
 * What Redis keeps: nothing on disk (`none`), an append-only file that is flushed once a second (`everysec`), or one that
 * is flushed before each answer (`always`).
 * @typedef {"none" | "everysec" | "always"} Persistence
 */

/**
 * A running Redis.
 * @typedef {object} RedisServer
 * @property {string} host
 * @property {number} port
 * @property {number} pid
 * @property {() => Promise<void>} clear removes every key, and shrinks the append-only file
 * @property {() => Promise<void>} stop
 */

/** @type {{ version: string } | { missing: string } | undefined} */
let found;

/** The machine's Redis: its version, or why there is none. @returns {{ version: string } | { missing: string }} */
export function findRedis() {
  found ??= lookForRedis();
  return found;
}

/** @returns {{ version: string } | { missing: string }} */
function lookForRedis() {
  try {
    const answer = execFileSync("redis-server", ["--version"], { encoding: "utf8" });
    return { version: /v=(\S+)/.exec(answer)?.[1] ?? "of unknown version" };
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    return { missing: code === "ENOENT" ? "redis-server is not on the PATH" : `redis-server does not run: ${code}` };
  }
}

/** Starts a Redis; it ends with the bench at the latest. @param {Persistence} persistence @returns {Promise<RedisServer>} */
export async function startRedis(persistence) {
  const { Redis } = await import("ioredis");
  const host = "127.0.0.1";
  const port = await freePort();
  const folder = temporaryFolder(`redis-${persistence}`);
  const settings = {
    port: String(port),
    bind: host,
    dir: folder,
    loglevel: "warning",
    // Snapshots are minutes old when they are needed; here they would only cost.
    save: "",
    appendonly: persistence === "none" ? "no" : "yes",
    ...(persistence !== "none" && { appendfsync: persistence }),
  };
  const child = spawn(
    "redis-server",
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
  }
  const gone = new Promise((resolve) => child.once("close", resolve));
  const client = new Redis({ host, port, lazyConnect: true, maxRetriesPerRequest: null, retryStrategy: () => 20 });
  // Refused until it listens: the retries see to that.
  client.on("error", () => undefined);
  const stop = atEnd(async () => {
    client.disconnect();
    child.kill("SIGKILL");
    await gone;
    removeFolder(folder);
  });
  const isUp = await Promise.race([client.ping().then(() => true), gone.then(() => false)]);
  if (!isUp) {
    await stop();
    throw new Error(`redis-server ended at once: ${output.trim()}`);
  }
  return {
    host,
    port,
    pid: /** @type {number} */ (child.pid),
    clear: () => clear(client, persistence),
    stop,
  };
}

/** @param {import("ioredis").Redis} client @param {Persistence} persistence */
async function clear(client, persistence) {
  await client.flushall();
  if (persistence === "none") return;
  // A rewrite that is due would otherwise fall into the next one's turn.
  const isRewriting = async () => /aof_rewrite_(in_progress|scheduled):1/.test(await client.info("persistence"));
  while (await isRewriting()) await wait(10);
  await client.bgrewriteaof();
  while (await isRewriting()) await wait(10);
}

/** @param {number} ms */
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

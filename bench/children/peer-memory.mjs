// Opens a queue of a system, says how much memory it holds, fills it when told to, says it again, ends when told to.
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { prepare } from "../cases.mjs";
import { endAll, endOnSignals } from "../endings.mjs";
import { collectGarbage } from "../measure.mjs";
import { peers } from "../systems/peers.mjs";

const { system: name, jobs, redis, url } = JSON.parse(process.argv[2]);

/** The parent's servers, which it clears and stops itself. */
const servers = {
  redis: async () => ({ ...redis, clear: async () => undefined }),
  postgres: async () => ({ database: async () => ({ url, drop: async () => undefined }) }),
};

async function resident() {
  await sleep(500);
  collectGarbage();
  await sleep(500);
  process.send?.(process.memoryUsage.rss());
}

endOnSignals();
const system = peers.find((one) => one.name === name);
if (system === undefined) throw new Error(`There is no system ${name}.`);
const session = await system.open(servers);
await resident();
await once(process, "message");
await prepare(session, jobs);
await resident();
await once(process, "message");
await session.close();
await endAll();
process.disconnect();

// How much memory waiting jobs take in a system: in the process that has enqueued them and in its server.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { startChild } from "./children.mjs";
import { Servers } from "./servers/servers.mjs";

/** Memory of processes, read from /proc. What they share is counted once: PostgreSQL's share their buffers. */
export const serverMemory = {
  /** Why it can't be read; undefined when it can. */
  missing: () =>
    existsSync("/proc/self/smaps_rollup") ? undefined : "the memory of servers is read from /proc, which Linux has",
  /** Bytes of a process and its children. @param {number} pid @returns {number} */
  of: (pid) => [pid, ...childrenOf(pid)].reduce((sum, one) => sum + proportional(one), 0),
};

/** @param {number} pid */
function proportional(pid) {
  const rollup = readIfThere(`/proc/${pid}/smaps_rollup`);
  return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1_024;
}

/** @param {number} pid */
function childrenOf(pid) {
  const isChild = (/** @type {string} */ one) =>
    new RegExp(`^PPid:\\s+${pid}$`, "m").test(readIfThere(`/proc/${one}/status`));
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isChild(name))
    .map(Number);
}

/** Processes come and go between the listing and the reading. @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === "ENOENT" || code === "ESRCH") return "";
    throw error;
  }
}

/**
 * Bytes that waiting jobs add to the resident memory of a fresh process and of its fresh server.
 * @param {import("./cases.mjs").System} system
 * @param {number} jobs
 */
export async function sessionMemory(system, jobs) {
  const servers = new Servers();
  try {
    const { pid, plan } = await start(servers, system.server);
    const child = startChild("peer-memory", { system: system.name, jobs, ...plan });
    /** The process and its server. */
    const total = async () => (await child.next()) + (pid === undefined ? 0 : serverMemory.of(pid));
    const empty = await total();
    child.send("fill");
    const full = await total();
    child.send("end");
    await child.ended;
    return full - empty;
  } finally {
    await servers.stop();
  }
}

/** @param {Servers} servers @param {import("./servers/servers.mjs").Server | undefined} server */
async function start(servers, server) {
  if (server === undefined) return { plan: {} };
  if (server.kind === "redis") {
    const { host, port, pid } = await servers.redis(server.persistence);
    return { pid, plan: { redis: { host, port } } };
  }
  const postgres = await servers.postgres();
  const { url } = await postgres.database();
  return { pid: postgres.pid, plan: { url } };
}

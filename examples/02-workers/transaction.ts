// A job as part of your own transaction: your tables live in the same file, and the job is there with your commit or not at
// all. What is wrong is thrown at once, and rolls the transaction back.
//
// Prints:
//   ada has signed up: 1 account, 1 job
//   bob has not: 1 account, 1 job
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import BetterSqlite3 from "better-sqlite3";
import { connect, task } from "queuack";
import { z } from "zod";

const welcome = task({ name: "welcome", input: z.object({ to: z.email() }), run: () => undefined });

const folder = await mkdtemp(join(tmpdir(), "queuack-transaction-"));
const file = join(folder, "app.db");
const q = await connect(file);
const db = new BetterSqlite3(file);
// Below FULL an accepted job might not survive a power cut: such a connection is refused.
db.pragma("synchronous = FULL");
db.exec("CREATE TABLE account (name TEXT)");

const signUp = db.transaction((name: string, to: string) => {
  db.prepare("INSERT INTO account (name) VALUES (?)").run(name);
  void q.enqueue(welcome, { to }, { tx: db });
});
const told = async (what: string) => {
  const { n } = db.prepare("SELECT count(*) AS n FROM account").get() as { n: number };
  console.log(`${what}: ${n} account, ${(await q.jobs.list()).items.length} job`);
};

signUp("ada", "ada@example.com");
await told("ada has signed up");
try {
  signUp("bob", "no address");
} catch {
  await told("bob has not");
}
db.close();
await q.close();
await rm(folder, { recursive: true });

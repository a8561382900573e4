// The main job of `npm start`: audits every package that is installed under node_modules, one job a package. The queue is
// a file, so what a killed run has finished stays finished, and the next run does the rest. Start reading here, then
// audit-task.ts (the handler), find-packages.ts, inspect-package.ts.
import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { connect, finalStates, type Job, type JobView, QueuackError, type Queue } from "queuack";
import { auditTask, queue } from "./audit-task.ts";
import { findPackages, type InstalledPackage } from "./find-packages.ts";
import { KeepLog } from "./keep-log.ts";
import { type AuditOptions, readOptions, usage } from "./options.ts";
import { type Progress, progress } from "./progress.ts";
import { report } from "./report.ts";

/** Exit codes: 0 all is audited, 1 a package or the audit itself failed, 130 and 143 stopped by a signal. */
async function audit(options: AuditOptions): Promise<number> {
  const { root, fresh, concurrency } = options;
  const keepLog = options.keepLog === undefined ? undefined : new KeepLog(options.keepLog);
  const { packages, links } = await findPackages(root);
  if (packages.length === 0) {
    console.error(`There is no package under ${join(root, "node_modules")}.`);
    return 1;
  }

  const file = join(root, ".queuack", "audit.db");
  await mkdir(dirname(file), { recursive: true });
  await using q = await connect(file);
  // What is done shall be known as done for years, not for the usual day; kept with the queue, for every process.
  await q.queues.configure(queue, { retention: { completed: "3650d", discarded: "3650d" } });
  if (fresh) await q.jobs.delete({ queues: [queue] });
  // Packages that were gone when their job came to them: should they be back, they get a new one.
  await q.dead.purge({ queues: [queue], outcomes: ["discarded"] });

  const task = auditTask({ root, keepLog, attempts: (id) => q.jobs.attempts(id) });
  // A key for each package and version: what an earlier run has enqueued is answered with the job that is there.
  const jobs = await q.enqueueMany(packages.map((input) => [task, input, { idempotencyKey: keyOf(input) }] as const));
  const before = await standing(q, jobs);
  const finished = new Set(before.filter(isFinal).map(({ id }) => id));
  const open = jobs.filter(({ id }) => !finished.has(id));
  const done = jobs.length - open.length;
  const skipped = links === 0 ? "" : ` (${links} linked workspaces left out)`;
  if (open.length === 0) {
    console.log(`\n${report(before)}\n`);
    console.log(`All is done: ${done} packages were audited before. To start over: npm start -- --fresh`);
    return before.some(({ state }) => state === "discarded") ? 1 : 0;
  }
  console.log(
    `${jobs.length} packages${skipped}: ${done} done before, ${open.length} to go, ${concurrency} at a time.`,
  );

  const shown = progress(process.stdout, jobs.length, done);
  const worker = q.worker({ tasks: [task], concurrency });
  let signalled: 130 | 143 | undefined;
  const stopping = (code: 130 | 143) => () => {
    signalled ??= code;
    shown.stop();
    console.log("\nStopping: what runs is finished first. The same again ends at once.");
  };
  process.once("SIGINT", stopping(130)).once("SIGTERM", stopping(143));

  const start = performance.now();
  const run = worker.run();
  await Promise.race([run, Promise.all(open.map((job) => ended(job, shown)))]);
  const seconds = (performance.now() - start) / 1000;
  await worker.stop();
  await run;
  if (signalled === undefined) shown.stop();

  const after = await standing(q, jobs);
  const ready = after.filter(isFinal).length;
  if (signalled !== undefined && ready < jobs.length) {
    console.log(`Stopped: ${ready} of ${jobs.length} packages are done. To go on: npm start`);
    return signalled;
  }
  console.log(`\n${report(after)}`);
  console.log(`${Math.round(open.length / seconds)} jobs/s: ${open.length} jobs in ${seconds.toFixed(1)} s`);
  return after.some(({ state }) => state === "discarded") ? 1 : 0;
}

/** The jobs as they stand, in the order given. */
async function standing(q: Queue, jobs: readonly Job[]): Promise<JobView[]> {
  const views = new Map<string, JobView>();
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof q.jobs.list>> = await q.jobs.list(
      { queues: [queue] },
      { limit: 1_000, cursor },
    );
    for (const job of page.items) views.set(job.id, job);
    ({ cursor } = page);
  } while (cursor !== null);
  return jobs.flatMap(({ id }) => views.get(id) ?? []);
}

function isFinal({ state }: JobView): boolean {
  return (finalStates as readonly string[]).includes(state);
}

/** Waits for a job to end, well or not, in this process or in another one on the same file. */
async function ended(job: Job, shown: Progress): Promise<void> {
  try {
    await job.result();
  } catch (error) {
    // The table of failures tells of it.
    const expected = ["QUEUACK_JOB_FAILED", "QUEUACK_JOB_CANCELLED"];
    if (!(error instanceof QueuackError) || !expected.includes(error.code)) throw error;
  }
  shown.step();
}

/** The idempotency key of a package; those may have 500 characters, and paths may have more. */
function keyOf({ path, version }: InstalledPackage): string {
  const key = `${path}@${version}`;
  return key.length <= 500 ? key : createHash("sha256").update(key).digest("hex");
}

try {
  const options = readOptions(process.argv.slice(2));
  if (options === null) console.log(usage);
  else process.exitCode = await audit(options);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

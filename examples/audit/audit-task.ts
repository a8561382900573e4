import { join } from "node:path";
import { type AttemptView, task } from "queuack";
import { installedPackage, readVersion } from "./find-packages.ts";
import { inspectPackage } from "./inspect-package.ts";
import type { KeepLog } from "./keep-log.ts";

/** The queue of the audit's jobs. */
export const queue = "audit";

/**
 * The one task of the audit: inspects a package.
 * @param params.attempts the failed attempts of a job
 */
export function auditTask(params: {
  readonly root: string;
  readonly keepLog: KeepLog | undefined;
  readonly attempts: (job: string) => Promise<readonly AttemptView[]>;
}) {
  const { root, keepLog, attempts } = params;
  return task({
    name: "audit-package",
    queue,
    input: installedPackage,
    // A file may be locked or half written for a moment; and every kill costs the jobs that were running an attempt.
    retry: { maxAttempts: 5, delay: "100ms", jitter: "none" },
    timeout: "10m",
    run: async ({ input, attempt, job, signal, discard }) => {
      const folder = join(root, input.path);
      const name = `${input.path}@${input.version} ${job.id}`;
      try {
        // Another npm install may have come since the job was enqueued: what is there now has a job of its own.
        if ((await readVersion(folder)) !== input.version) discard("is not installed in this version any more");
        const inspection = await inspectPackage(folder, signal);
        if (attempt === 1 || !(await endedBefore(job.id, `done ${name}`))) keepLog?.append(`done ${name}`);
        return inspection;
      } catch (error) {
        keepLog?.append(`failed ${name}`);
        throw error;
      }
    },
  });

  /**
   * Whether an earlier attempt had come to its end when its process was killed.
   *
   * The log is written here, the job's end is committed by the queue a moment later: two files, and a kill may fall
   * between them. Then the job is not completed, so it rightly runs again, although its line is there. A job's effects
   * outside the queue happen at least once; whoever needs them once makes them repeatable, and does it as here: look
   * whether it is done already. Only after a crash, so that a job that ran twice for any other reason would show.
   */
  async function endedBefore(id: string, line: string): Promise<boolean> {
    return (await attempts(id)).at(-1)?.outcome === "crashed" && keepLog?.has(line) === true;
  }
}

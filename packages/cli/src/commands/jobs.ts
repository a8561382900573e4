import type { Command } from "commander";
import type { JobQuery, Queue } from "queuack";
import { count, duration, moment, priority } from "../arguments.ts";
import type { BulkFlags, Change } from "../bulk-change.ts";
import { usageError } from "../errors.ts";
import { addFilterFlags, type FilterFlags, jobQuery } from "../job-filter.ts";
import { withQueue } from "../with-queue.ts";
import { bulkCommand, changeInQueue } from "./bulk-command.ts";
import type { PageFlags } from "./list-jobs.ts";

type Which = string | JobQuery;

/** The changes that need no flags of their own. */
const changes: readonly (Change & { readonly about: string })[] = [
  {
    verb: "cancel",
    done: "cancelled",
    about: "Cancel jobs: waiting ones at once, running ones through their abort signal.",
    states: ["scheduled", "pending", "available", "running", "retryable"],
    apply: (queue: Queue, which: Which) => queue.jobs.cancel(which),
  },
  {
    verb: "retry",
    done: "retried",
    about: "Give discarded (or cancelled) jobs another life, and start those that wait for their next attempt now.",
    states: ["discarded", "retryable"],
    apply: (queue: Queue, which: Which) => queue.jobs.retry(which),
  },
  {
    verb: "hold",
    done: "held",
    about: "Set waiting jobs aside until they are released.",
    states: ["scheduled", "available", "retryable"],
    apply: (queue: Queue, which: Which) => queue.jobs.hold(which),
  },
  {
    verb: "release",
    done: "released",
    about: "Let held jobs go on.",
    states: ["pending"],
    apply: (queue: Queue, which: Which) => queue.jobs.release(which),
  },
  {
    verb: "delete",
    done: "deleted",
    about:
      "Delete jobs that are not running, with all that is kept of them. A filter without --state means final ones.",
    states: ["completed", "discarded", "cancelled", "skipped", "upstream_failed"],
    apply: (queue: Queue, which: Which) => queue.jobs.delete(which),
  },
];

const waiting = ["scheduled", "pending", "available", "retryable"] as const;

/** Adds `jobs` with its commands. */
export function addJobsCommands(program: Command): void {
  const group = program
    .command("jobs")
    .summary("look at jobs and change them")
    .description("Look at jobs and change them.");

  addFilterFlags(group.command("list").description("List jobs, newest first."), { state: true })
    .option("--limit <number>", "at most so many (default: 50)", count)
    .option("--cursor <cursor>", "go on where an earlier page ended")
    .option("--all", "every page")
    .addHelpText(
      "after",
      "\nExample:\n  $ queuack jobs list --state discarded --task resize --older-than 1h -o json | jq '.items[].id'",
    )
    .action(async (flags: FilterFlags & PageFlags, command: Command) => {
      const query = jobQuery(flags) ?? {};
      const { listJobs } = await import("./list-jobs.ts");
      await withQueue(command, {}, ({ queue, output }) =>
        listJobs(output, flags, (page) => queue.jobs.list(query, page)),
      );
    });

  group
    .command("show")
    .description("Show a job with its input, result, failed attempts and log.")
    .argument("<id>", "id of the job")
    .action(async (id: string, _flags: unknown, command: Command) => {
      const { showJob } = await import("./show-job.ts");
      await withQueue(command, {}, (connection) => showJob(connection, id));
    });

  group
    .command("explain")
    .description("Say why a job does not run: each thing that stands in its way, the firmest first.")
    .argument("<id>", "id of the job")
    .addHelpText(
      "after",
      "\nExample:\n  $ queuack jobs explain 01900000-0000-7000-8000-000000000000 -o json | jq -r .summary",
    )
    .action(async (id: string, _flags: unknown, command: Command) => {
      const { explainJob } = await import("./explain-job.ts");
      await withQueue(command, {}, (connection) => explainJob(connection, id));
    });

  for (const { about, ...change } of changes) {
    bulkCommand(group, change.verb, about).action(async (ids: string[], flags: BulkFlags, command: Command) => {
      await changeInQueue(command, change, ids, flags);
    });
  }

  bulkCommand(group, "reschedule", "Give waiting jobs a new earliest start.")
    .option("--delay <duration>", "from now", duration)
    .option("--run-at <time>", "at this time, ISO 8601", moment)
    .action(async (ids: string[], flags: BulkFlags & { delay?: string; runAt?: Date }, command: Command) => {
      const { delay, runAt } = flags;
      if ((delay === undefined) === (runAt === undefined)) {
        throw usageError("A new start needs --delay or --run-at.", "Give one of them: --delay 2h.");
      }
      const when = runAt === undefined ? { delay: delay ?? 0 } : { runAt };
      const apply = (queue: Queue, which: Which) => queue.jobs.reschedule(which, when);
      const change = { verb: "reschedule", done: "rescheduled", states: waiting, apply };
      await changeInQueue(command, change, ids, flags);
    });

  bulkCommand(group, "prioritize", "Give waiting jobs a new priority.")
    .requiredOption("--to <priority>", "0 to 100, higher first, or low, normal, high", priority)
    .action(async (ids: string[], flags: BulkFlags & { to: number }, command: Command) => {
      const apply = (queue: Queue, which: Which) => queue.jobs.prioritize(which, flags.to);
      const change = { verb: "prioritize", done: "prioritized", states: waiting, apply };
      await changeInQueue(command, change, ids, flags);
    });
}

import type { Command } from "commander";
import type { JobQuery, Queue } from "queuack";
import { count } from "../arguments.ts";
import type { BulkFlags, Change } from "../bulk-change.ts";
import { addFilterFlags, type FilterFlags, jobQuery } from "../job-filter.ts";
import { withQueue } from "../with-queue.ts";
import { bulkCommand, changeInQueue } from "./bulk-command.ts";
import type { PageFlags } from "./list-jobs.ts";

const guide = `
A job that used up its attempts is discarded: it stands in the dead letter queue with every error, until it is
retried, purged, or past its retention (7 days by default).

Examples:
  $ queuack dead list --task resize
  $ queuack dead retry --task resize --yes     once the cause is mended
  $ queuack dead purge --older-than 3d --yes`;

const changes: readonly (Change & { readonly about: string })[] = [
  {
    verb: "retry",
    done: "retried",
    about: "Give discarded jobs another life, with their history kept.",
    states: ["discarded"],
    apply: (queue: Queue, which: string | JobQuery) => queue.dead.retry(which),
  },
  {
    verb: "purge",
    done: "purged",
    about: "Delete discarded jobs with all that is kept of them.",
    states: ["discarded"],
    apply: (queue: Queue, which: string | JobQuery) => queue.dead.purge(which),
  },
];

/** Adds `dead` with its commands. */
export function addDeadCommands(program: Command): void {
  const group = program
    .command("dead")
    .summary("the dead letter queue")
    .description("The dead letter queue.")
    .addHelpText("after", guide);

  addFilterFlags(group.command("list").description("List discarded jobs, newest first."), { state: false })
    .option("--limit <number>", "at most so many (default: 50)", count)
    .option("--cursor <cursor>", "go on where an earlier page ended")
    .option("--all", "every page")
    .action(async (flags: FilterFlags & PageFlags, command: Command) => {
      const query = jobQuery(flags) ?? {};
      const { listJobs } = await import("./list-jobs.ts");
      await withQueue(command, {}, ({ queue, output }) =>
        listJobs(output, flags, (page) => queue.dead.list(query, page)),
      );
    });

  for (const { about, ...change } of changes) {
    bulkCommand(group, change.verb, about, { state: false }).action(
      async (ids: string[], flags: BulkFlags, command: Command) => {
        await changeInQueue(command, change, ids, flags);
      },
    );
  }
}

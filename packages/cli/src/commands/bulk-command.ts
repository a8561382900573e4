import type { Command } from "commander";
import type { BulkFlags, Change } from "../bulk-change.ts";
import { addFilterFlags } from "../job-filter.ts";
import { withQueue } from "../with-queue.ts";

/** A command that takes ids, or a filter and a confirmation. */
export function bulkCommand(
  group: Command,
  verb: string,
  about: string,
  options: { readonly state: boolean } = { state: true },
): Command {
  const command = group.command(verb).description(about).argument("[ids...]", "ids of jobs, or give a filter");
  return addFilterFlags(command, options)
    .option("--all", "whatever the filter leaves open: every job that it can be done to")
    .option("--yes", `do not ask before more than one job is touched`);
}

/** Does a change in the queue that the command names. */
export async function changeInQueue(
  command: Command,
  change: Change,
  ids: readonly string[],
  flags: BulkFlags,
): Promise<void> {
  const { changeJobs } = await import("../bulk-change.ts");
  await withQueue(command, {}, (connection) => changeJobs(connection, change, ids, flags));
}

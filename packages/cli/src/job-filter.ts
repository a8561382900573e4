import type { Command } from "commander";
import type { JobQuery, JobState, Outcome } from "queuack";
import { collect, duration, list, outcomeList, stateList } from "./arguments.ts";
import { durationMs } from "./duration.ts";

/** The flags that choose jobs. */
export interface FilterFlags {
  readonly state?: readonly JobState[];
  readonly outcome?: readonly Outcome[];
  readonly queue?: readonly string[];
  readonly task?: readonly string[];
  readonly tag?: readonly string[];
  readonly olderThan?: string;
}

/** Adds the flags that choose jobs; a command that means one state alone has no `--state`. */
export function addFilterFlags(command: Command, options: { readonly state: boolean }): Command {
  if (options.state) command.option("--state <states>", "in one of these states, such as running,retryable", stateList);
  return command
    .option("--queue <names>", "in one of these queues", list)
    .option("--task <names>", "of one of these tasks", list)
    .option("--tag <tag>", "bearing this tag; repeat it for jobs that bear all of them", collect)
    .option("--outcome <outcomes>", "whose last attempt was failed, timed_out, crashed, expired, …", outcomeList)
    .option("--older-than <duration>", "created longer ago than this, such as 2h", duration);
}

/** The query of the flags; `null` when none of them is given. */
export function jobQuery(flags: FilterFlags, now = Date.now()): JobQuery | null {
  const { state, outcome, queue, task, tag, olderThan } = flags;
  if ([state, outcome, queue, task, tag, olderThan].every((flag) => flag === undefined)) return null;
  return {
    states: state,
    outcomes: outcome,
    queues: queue,
    tasks: task,
    tags: tag,
    createdBefore: olderThan === undefined ? undefined : now - (durationMs(olderThan) ?? 0),
  };
}

import type { Command } from "commander";
import type { JobState, QueueOptions } from "queuack";
import { count, duration, stateList } from "../arguments.ts";
import type { Connection } from "../connection.ts";
import { durationMs, humanDuration } from "../duration.ts";
import { CliError, exitCodes, usageError } from "../errors.ts";
import { withQueue } from "../with-queue.ts";

interface PurgeFlags {
  readonly state?: readonly JobState[];
  readonly olderThan?: string;
  readonly yes?: boolean;
}

interface ConfigureFlags {
  readonly escalateAfter?: string;
  readonly escalateBy?: number;
  /** `false` by `--no-escalation`. */
  readonly escalation: boolean;
}

const finalStates = ["completed", "discarded", "cancelled", "skipped", "upstream_failed"] as const;

/** Adds `queues` with its commands. */
export function addQueuesCommands(program: Command): void {
  const group = program
    .command("queues")
    .summary("look at queues, pause, resume, configure and purge them")
    .description("Look at queues, pause, resume, configure and purge them.");

  group
    .command("list")
    .description("List the queues. See queuack stats for every state.")
    .action(async (_flags: unknown, command: Command) => {
      const { queuesTable } = await import("./queue-tables.ts");
      await withQueue(command, {}, async ({ queue, output }) => {
        const queues = await queue.queues.list();
        if (queues.length === 0 && output.format === "table") output.remark("No queues yet: the first job makes one.");
        else await output.result(queues, () => queuesTable(queues, output));
      });
    });

  for (const [verb, done, about] of [
    ["pause", "paused", "Stop handing out the jobs of queues. What runs goes on; what is enqueued waits."],
    ["resume", "resumed", "Hand out the jobs of queues again."],
  ] as const) {
    group
      .command(verb)
      .description(about)
      .argument("<names...>", "names of queues")
      .action(async (names: string[], _flags: unknown, command: Command) => {
        await withQueue(command, {}, async ({ queue, output }) => {
          for (const name of names) {
            if ((await queue.queues.get(name)) === null) {
              output.remark(`The queue ${name} has not been used so far; it is ${done} from now on.`);
            }
            await queue.queues[verb](name);
          }
          await output.result(
            { [done]: names },
            () => `${done === "paused" ? "Paused" : "Resumed"} ${names.join(", ")}.`,
          );
        });
      });
  }

  group
    .command("configure")
    .description("Set how the jobs of a queue rise in priority while they wait.")
    .argument("<name>", "name of the queue")
    .option("--escalate-after <duration>", "raise a job whenever it has been available for so long", duration)
    .option("--escalate-by <points>", "by so many points of priority, up to 100 (default: 10)", count)
    .option("--no-escalation", "raise them no more")
    .addHelpText(
      "after",
      "\nExamples:\n  $ queuack queues configure reports --escalate-after 10m --escalate-by 10\n  $ queuack queues configure reports --no-escalation",
    )
    .action(async (name: string, flags: ConfigureFlags, command: Command) => {
      const escalation = escalationOf(flags);
      await withQueue(command, {}, (connection) => configure(connection, name, escalation));
    });

  group
    .command("purge")
    .description("Delete jobs of a queue that are not running, and give the space back to the file system.")
    .argument("<name>", "name of the queue")
    .option("--state <states>", "in one of these states (default: the final ones)", stateList)
    .option(
      "--older-than <duration>",
      "that ended (or, with waiting states, were created) longer ago than this",
      duration,
    )
    .option("--yes", "do not ask before more than one job is deleted")
    .addHelpText("after", "\nExample:\n  $ queuack queues purge mail --state completed,cancelled --older-than 1h --yes")
    .action(async (name: string, flags: PurgeFlags, command: Command) => {
      await withQueue(command, {}, (connection) => purge(connection, name, flags));
    });
}

function escalationOf({
  escalateAfter: after,
  escalateBy: by,
  escalation,
}: ConfigureFlags): QueueOptions["escalation"] {
  if (!escalation) {
    if (after === undefined && by === undefined) return null;
    throw usageError("Both an escalation and --no-escalation are given.", "Give one of them.");
  }
  if (after !== undefined) return { after, by };
  throw usageError(
    by === undefined ? "Nothing says what to set." : "--escalate-by alone does not say when.",
    "Give --escalate-after 10m, with --escalate-by if 10 points are not what you want, or --no-escalation.",
  );
}

async function configure(
  { queue, output }: Connection,
  name: string,
  escalation: QueueOptions["escalation"],
): Promise<void> {
  const used = (await queue.queues.get(name)) !== null;
  await queue.queues.configure(name, { escalation });
  if (!used) output.remark(`The queue ${name} has not been used so far.`);
  const set = (await queue.queues.get(name))?.settings.escalation ?? null;
  await output.result({ queue: name, escalation: set }, () =>
    set === null
      ? `Jobs of ${name} keep their priority while they wait.`
      : `Jobs of ${name} rise by ${set.by} whenever they have been available for ${humanDuration(set.afterMs)}.`,
  );
}

async function purge(
  { queue, output }: Connection,
  name: string,
  { state, olderThan, yes }: PurgeFlags,
): Promise<void> {
  if ((await queue.queues.get(name)) === null) {
    throw new CliError(exitCodes.notFound, `There is no queue ${name}.`, { hint: "See queuack queues list." });
  }
  const { confirmChange, jobs } = await import("../bulk-change.ts");
  if (!yes) {
    const states = state ?? finalStates;
    const before = olderThan === undefined ? undefined : Date.now() - (durationMs(olderThan) ?? 0);
    const onlyFinal = states.every((each) => (finalStates as readonly JobState[]).includes(each));
    const age = onlyFinal ? { finishedBefore: before } : { createdBefore: before };
    await confirmChange(queue, "delete", { queues: [name], states, ...age });
  }
  const deleted = await queue.queues.purge(name, { states: state, olderThan });
  await output.result({ deleted }, () => `Deleted ${jobs(deleted)}.`);
}

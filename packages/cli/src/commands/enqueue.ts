import { type Command, Option } from "commander";
import type { BackoffKind, Job, JobOptions, OnConflict, UniqueOptions } from "queuack";
import { collect, count, duration, list, moment, priority } from "../arguments.ts";
import type { Connection } from "../connection.ts";
import { CliError, exitCodes, usageError } from "../errors.ts";
import { jsonText } from "../plain-value.ts";
import { withQueue } from "../with-queue.ts";

interface EnqueueFlags {
  readonly priority?: number | "low" | "normal" | "high";
  readonly delay?: string;
  readonly runAt?: Date;
  readonly queue?: string;
  readonly maxAttempts?: number;
  readonly backoff?: BackoffKind;
  readonly timeout?: string;
  readonly expiresIn?: string;
  readonly tag?: readonly string[];
  readonly metadata?: string;
  readonly key?: string;
  readonly group?: string;
  readonly unique?: boolean;
  readonly uniqueBy?: readonly string[];
  readonly uniquePeriod?: string;
  readonly onConflict?: OnConflict;
  readonly many?: boolean;
  readonly wait?: string | true;
  readonly module?: readonly string[];
}

const guide = `
The input is JSON, checked by the task's schema where its module is known (--module, or modules in queuack.config).
A task's own queue, priority and retry policy are known from there, too; without it the job gets the defaults.

Examples:
  $ queuack enqueue resize '{"path":"a.png","width":300}' --priority high --tag images
  $ queuack enqueue report @input.json --run-at 2026-11-21T06:00:00Z --key report-2026-11-21
  $ queuack enqueue sync '{"user":7}' --group acme --unique --unique-by user --on-conflict replace
  $ jq -c . day.json | queuack enqueue import -
  $ queuack enqueue mail @recipients.json --many      one job for each item of the array
  $ queuack enqueue resize '{"path":"a.png"}' --wait 30s -o json`;

/** Adds `enqueue`. */
export function addEnqueueCommand(program: Command): void {
  program
    .command("enqueue")
    .summary("hand a job to the queue")
    .description("Enqueue a job of a task; prints its id once it is durable.")
    .argument("<task>", "name of the task")
    .argument("[input]", "JSON text, @file, or - for standard input")
    .option("--many", "the input is an array: one job for each of its items")
    .option("--wait [duration]", "wait for the result and print it, not longer than this", duration)
    .option("--queue <name>", "the queue (default: the task's own, or default)")
    .option("--priority <priority>", "0 to 100, higher first, or low, normal, high", priority)
    .option("--delay <duration>", "start no sooner than after this, such as 30s, 5m, 2h, 7d", duration)
    .option("--run-at <time>", "start no sooner than at this time, ISO 8601", moment)
    .option("--max-attempts <number>", "attempts in all", count)
    .addOption(
      new Option("--backoff <kind>", "how the delay between attempts grows").choices([
        "fixed",
        "linear",
        "exponential",
        "polynomial",
      ] satisfies BackoffKind[]),
    )
    .option("--timeout <duration>", "how long an attempt may take", duration)
    .option("--expires-in <duration>", "discard the job if it has not started by then", duration)
    .option("--tag <tag>", "a tag, to find it by; repeatable", collect)
    .option("--metadata <json>", "facts kept with the job: a JSON object, or @file")
    .option("--key <key>", "idempotency key: a second job with the same key is not made")
    .option("--group <key>", "whom it is for, such as a customer: limits and turns go by it")
    .option("--unique", "not beside another of this task, queue and input; goes before what the task says")
    .option("--unique-by <fields>", "with --unique: these fields of the input count, such as user.id,day", list)
    .option(
      "--unique-period <duration>",
      "with --unique: once in each period of this length, completed ones too",
      duration,
    )
    .addOption(
      new Option("--on-conflict <reply>", "with --unique: what becomes of another one (default: ignore)").choices([
        "reject",
        "ignore",
        "replace",
        "reschedule",
      ] satisfies OnConflict[]),
    )
    .option("--module <file>", "a module that exports the task; repeatable", collect)
    .addHelpText("after", guide)
    .action(async (task: string, input: string | undefined, flags: EnqueueFlags, command: Command) => {
      // Read before anything is opened: a slip in the input should cost nothing.
      const value = input === undefined ? undefined : await json(input, "input");
      const options = await jobOptions(flags);
      if (flags.many) {
        if (!Array.isArray(value)) throw usageError("--many needs an array as its input.", "Give [{…}, {…}].");
        if (flags.key !== undefined) throw usageError("One --key can't name many jobs.", "Leave out --key or --many.");
      }
      await withQueue(command, { creates: true, modules: flags.module ?? [] }, async (connection) => {
        const { queue } = connection;
        if (Array.isArray(value) && flags.many) {
          await tellMany(connection, await queue.enqueueMany(task, value, options), flags.wait);
        } else await tellOne(connection, await queue.enqueue(task, value, options), flags.wait);
      });
    });
}

async function jobOptions(flags: EnqueueFlags): Promise<JobOptions> {
  const { queue, delay, runAt, maxAttempts, backoff, timeout, expiresIn, tag, key } = flags;
  if (delay !== undefined && runAt !== undefined) throw usageError("Both --delay and --run-at are given.", "Give one.");
  return {
    queue,
    priority: flags.priority,
    delay,
    runAt,
    maxAttempts,
    backoff,
    timeout,
    expiresIn,
    tags: tag,
    idempotencyKey: key,
    group: flags.group,
    unique: unique(flags),
    ...(flags.metadata === undefined ? {} : { metadata: await metadata(flags.metadata) }),
  };
}

function unique({ unique, uniqueBy: by, uniquePeriod: period, onConflict }: EnqueueFlags): UniqueOptions | undefined {
  if (unique) return { by, period, onConflict };
  const flag = Object.entries({ "--unique-by": by, "--unique-period": period, "--on-conflict": onConflict }).find(
    ([, given]) => given !== undefined,
  );
  // By itself it could be meant on top of what the task says: a job's own uniqueness stands in its place.
  if (flag !== undefined) throw usageError(`${flag[0]} is given without --unique.`, "Add --unique.");
  return undefined;
}

async function json(given: string, what: string): Promise<unknown> {
  const { jsonArgument } = await import("../json-text.ts");
  return await jsonArgument(given, what, process.stdin);
}

async function metadata(given: string): Promise<Record<string, unknown>> {
  const value = await json(given, "metadata");
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw usageError("The metadata is not a JSON object.", `Give --metadata '{"customer":42}'.`);
}

/** What is said of a job that is not new. */
const wordsOf: Readonly<Record<NonNullable<Job["conflict"]> | "before", string>> = {
  before: "had been accepted before; nothing was added",
  ignored: "holds the unique key and stays as it is; nothing was added",
  replaced: "held the unique key and has taken over input, priority, time and options",
  rescheduled: "held the unique key and has taken over the time",
};

async function tellOne({ output }: Connection, job: Job, wait: string | true | undefined): Promise<void> {
  const { id, duplicate, conflict } = job;
  if (duplicate) output.remark(`Job ${id} ${wordsOf[conflict ?? "before"]}.`);
  if (wait === undefined) {
    await output.result({ id, duplicate, conflict }, () => id);
    return;
  }
  output.remark(`Waiting for job ${id} …`);
  const result = await job.result(timeout(wait));
  await output.result({ id, duplicate, conflict, result }, () => jsonText(result ?? null, 2) ?? "null");
}

async function tellMany({ output }: Connection, jobs: readonly Job[], wait: string | true | undefined): Promise<void> {
  const known = jobs.filter(({ duplicate }) => duplicate);
  for (const [kind, words] of Object.entries(wordsOf)) {
    const { length } = known.filter(({ conflict }) => (conflict ?? "before") === kind);
    if (length > 0) output.remark(`${length} of ${jobs.length}: the job ${words}.`);
  }
  if (wait === undefined) {
    const accepted = jobs.map(({ id, duplicate, conflict }) => ({ id, duplicate, conflict }));
    await output.result(accepted, () => jobs.map(({ id }) => id).join("\n"));
    return;
  }
  output.remark(`Waiting for ${jobs.length} jobs …`);
  const settled = await Promise.allSettled(jobs.map((job) => job.result(timeout(wait))));
  const failed = settled.filter((each) => each.status === "rejected");
  const ended = settled.map((each, i) => ({
    id: jobs[i]?.id,
    ...(each.status === "fulfilled" ? { result: each.value } : { error: messageOf(each.reason) }),
  }));
  await output.result(ended, () =>
    settled.map((each) => (each.status === "fulfilled" ? jsonText(each.value ?? null) : "null")).join("\n"),
  );
  if (failed.length === 0) return;
  throw new CliError(
    exitCodes.jobFailed,
    `${failed.length} of ${jobs.length} jobs have no result: ${messageOf(failed[0]?.reason)}`,
  );
}

function timeout(wait: string | true): { readonly timeout?: string } {
  return wait === true ? {} : { timeout: wait };
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

import type { JobQuery, JobState, Queue } from "queuack";
import { confirm } from "./confirmation.ts";
import type { Connection } from "./connection.ts";
import { exitCodes, usageError } from "./errors.ts";
import { type FilterFlags, jobQuery } from "./job-filter.ts";

/** One way to change jobs. */
export interface Change {
  /** What it does, such as `cancel`, and has done, such as `cancelled`. */
  readonly verb: string;
  readonly done: string;
  /** The states that a filter means when it names none. */
  readonly states: readonly JobState[];
  /** Changes jobs by id or filter; resolves to how many. */
  readonly apply: (queue: Queue, which: string | JobQuery) => Promise<number>;
}

/** The flags of a bulk change. */
export interface BulkFlags extends FilterFlags {
  readonly all?: boolean;
  readonly yes?: boolean;
}

/** The most that are counted before it is asked. */
const countLimit = 10_000;

/**
 * Changes jobs by their ids, or by a filter, and prints how many. By id, every job that is missing or did not change is
 * named, and the exit code tells: 3 and 1.
 */
export async function changeJobs(
  connection: Connection,
  change: Change,
  ids: readonly string[],
  flags: BulkFlags,
): Promise<void> {
  const filter = jobQuery(flags);
  if (ids.length > 0) {
    if (filter !== null || flags.all) throw usageError("Both ids and a filter are given.", "Give one of them.");
    await changeByIds(connection, change, [...new Set(ids)]);
    return;
  }
  if (filter === null && !flags.all) {
    throw usageError(
      `Nothing says which jobs to ${change.verb}.`,
      "Give ids, a filter such as --queue or --task, or --all.",
    );
  }
  const query = { ...filter, states: filter?.states ?? change.states };
  if (!flags.yes) await confirmChange(connection.queue, change.verb, query);
  const changed = await change.apply(connection.queue, query);
  await connection.output.result({ changed }, () => `${capital(change.done)} ${jobs(changed)}.`);
}

/** Asks before a change that would touch more than one job. */
export async function confirmChange(queue: Queue, verb: string, query: JobQuery): Promise<void> {
  const few = await queue.jobs.list(query, { limit: 2 });
  if (few.items.length < 2) return;
  const { items, cursor } = await queue.jobs.list(query, { limit: countLimit });
  const many = cursor === null ? jobs(items.length) : `more than ${jobs(items.length)}`;
  await confirm(`${verb} ${many}`, { input: process.stdin, output: process.stderr });
}

/** A number of jobs in words. */
export function jobs(count: number): string {
  return count === 1 ? "1 job" : `${count} jobs`;
}

async function changeByIds({ queue, output }: Connection, change: Change, ids: readonly string[]): Promise<void> {
  // Together, so that the store commits them together.
  const counts = await Promise.all(ids.map((id) => change.apply(queue, id)));
  const changed = ids.filter((_, i) => counts[i] !== 0);
  const others = ids.filter((_, i) => counts[i] === 0);
  const found = await Promise.all(others.map(async (id) => ({ id, job: await queue.jobs.get(id) })));
  const unchanged = found.flatMap(({ id, job }) => (job === null ? [] : [{ id, state: job.state }]));
  const missing = found.flatMap(({ id, job }) => (job === null ? [id] : []));
  await output.result({ changed: changed.length, ids: changed, unchanged, missing }, () =>
    changed.length === 0 ? "" : `${capital(change.done)} ${jobs(changed.length)}.`,
  );
  for (const { id, state } of unchanged) output.remark(`error: Job ${id} is ${state}; it can't be ${change.done}.`);
  for (const id of missing) output.remark(`error: There is no job ${id}. (QUEUACK_UNKNOWN_JOB)`);
  if (missing.length > 0) process.exitCode = exitCodes.notFound;
  else if (unchanged.length > 0) process.exitCode = exitCodes.failure;
}

function capital(word: string): string {
  return `${word[0]?.toUpperCase()}${word.slice(1)}`;
}

import { AssertionError } from "node:assert";
import { jobStates, waitingStates } from "../core/job-state.ts";
import type { TaskDefinition } from "../core/task.ts";
import type { JobView } from "../queue/job-view.ts";
import type { JobQuery } from "../queue/jobs.ts";
import { checkedTask } from "../queue/new-job.ts";
import type { Queue } from "../queue/queue.ts";
import { invalid, oneOf, refuseOther, shown } from "../queue/settings.ts";
import { describeExpectation, describeJobs } from "./expectation-text.ts";
import { type Candidate, comparison, type ExpectedJob, jobKeys } from "./expected-job.ts";
import type { ExpectedInput } from "./input-match.ts";

/** As `ExpectedJob`, and how many there should be. */
export interface ExpectedJobs extends ExpectedJob {
  /** Exactly so many, from 1; at least one by default. */
  readonly count?: number | undefined;
}

/** Jobs read at a time. */
const pageSize = 1_000;

/**
 * Asserts that a job of a task is enqueued and waits to be run. Resolves to the jobs that fit, oldest first.
 *
 * ```ts
 * await expectEnqueued(q, sendMail, { to: "ada@example.org" }, { delay: "1h" });
 * await expectEnqueued(q, sendMail, (input) => input.text.includes("Welcome"), { count: 2 });
 * ```
 * @param task the task, or its name
 * @param input a part of the input, compared deeply, or a function that says whether it fits; anything by default
 * @throws {AssertionError} that shows which jobs of the task there are, and where each differs
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION`
 */
export async function expectEnqueued<Sent>(
  q: Queue,
  task: TaskDefinition<Sent, unknown>,
  input?: ExpectedInput<NoInfer<Sent>>,
  options?: ExpectedJobs,
): Promise<readonly JobView[]>;
export async function expectEnqueued(
  q: Queue,
  task: string,
  input?: unknown,
  options?: ExpectedJobs,
): Promise<readonly JobView[]>;
export async function expectEnqueued(
  q: Queue,
  task: TaskDefinition<never, unknown> | string,
  input?: unknown,
  options: ExpectedJobs = {},
): Promise<readonly JobView[]> {
  const { count, ...expected } = options;
  if (count !== undefined && !(Number.isSafeInteger(count) && count >= 1)) {
    throw invalid(`count is ${shown(count)}.`, "Give a whole number from 1; for none, use expectNotEnqueued().");
  }
  const { name, found } = await look(q, task, input, expected, [...jobKeys, "count"]);
  const fit = found.filter((candidate) => candidate.differences.length === 0);
  if (count === undefined ? fit.length > 0 : fit.length === count) return fit.map(({ job }) => job);
  const wanted = describeExpectation(name, input, expected);
  const many = count === undefined ? "no such job is" : `${fit.length} of the ${count} expected are`;
  throw new AssertionError({
    message: `Expected ${wanted} to be enqueued, but ${many}.\n${await describeJobs(q, name, found, expected)}`,
    actual: found.map(({ job }) => job.input),
    expected: typeof input === "function" || input === undefined ? expected : input,
    operator: "expectEnqueued",
    stackStartFn: expectEnqueued,
  });
}

/**
 * Asserts that no job of a task is enqueued that waits to be run and fits: the counterpart of `expectEnqueued`.
 * @throws {AssertionError} that shows the jobs that do
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION`
 */
export async function expectNotEnqueued<Sent>(
  q: Queue,
  task: TaskDefinition<Sent, unknown>,
  input?: ExpectedInput<NoInfer<Sent>>,
  options?: ExpectedJob,
): Promise<void>;
export async function expectNotEnqueued(q: Queue, task: string, input?: unknown, options?: ExpectedJob): Promise<void>;
export async function expectNotEnqueued(
  q: Queue,
  task: TaskDefinition<never, unknown> | string,
  input?: unknown,
  options: ExpectedJob = {},
): Promise<void> {
  const { name, found } = await look(q, task, input, options, jobKeys);
  const fit = found.filter((candidate) => candidate.differences.length === 0);
  if (fit.length === 0) return;
  const wanted = describeExpectation(name, input, options);
  throw new AssertionError({
    message: `Expected ${wanted} not to be enqueued, but it is.\n${await describeJobs(q, name, fit, options)}`,
    actual: fit.map(({ job }) => job.input),
    expected: [],
    operator: "expectNotEnqueued",
    stackStartFn: expectNotEnqueued,
  });
}

/** The jobs of the task in the states asked for, oldest first. */
async function look(
  q: Queue,
  task: TaskDefinition<never, unknown> | string,
  input: unknown,
  expected: ExpectedJob,
  known: readonly string[],
): Promise<{ name: string; found: Candidate[] }> {
  refuseOther(expected, "What is expected of a job", known);
  const { states = waitingStates, tenant } = expected;
  oneOf(states, jobStates, "states");
  const checked = checkedTask(task);
  const name = typeof checked === "string" ? checked : checked.name;
  const query: JobQuery = { tasks: [name], states, ...(tenant === undefined ? {} : { tenant }) };
  const differ = comparison(input, expected);
  const found: Candidate[] = [];
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<Queue["jobs"]["list"]>> = await q.jobs.list(query, { limit: pageSize, cursor });
    for (const job of page.items) found.push({ job, differences: differ(job) });
    cursor = page.cursor;
  } while (cursor !== null);
  return { name, found: found.reverse() };
}

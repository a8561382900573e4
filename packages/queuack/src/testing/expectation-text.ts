import { waitingStates } from "../core/job-state.ts";
import type { JobView } from "../queue/job-view.ts";
import type { Queue } from "../queue/queue.ts";
import type { Candidate, ExpectedJob } from "./expected-job.ts";
import { show } from "./show.ts";

/** How many jobs a failed assertion shows. */
const shownJobs = 5;

/** How many jobs are counted where there are none to show. */
const countedJobs = 1_000;

/** What is expected, in words: `a job of task mail with input { to: 'ada' }, delay '1h'`. */
export function describeExpectation(task: string, input: unknown, expected: ExpectedJob): string {
  const { states: _states, ...parts } = expected;
  const said = [
    ...(input === undefined
      ? []
      : [typeof input === "function" ? "an input that fits the function" : `input ${show(input)}`]),
    ...Object.entries(parts)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${key} ${show(value)}`),
  ];
  return `a job of task ${task}${said.length === 0 ? "" : ` with ${said.join(", ")}`}`;
}

/** The jobs that there are, those that come closest first, each with where it differs; or what else is enqueued. */
export async function describeJobs(
  q: Queue,
  task: string,
  found: readonly Candidate[],
  expected: ExpectedJob,
): Promise<string> {
  if (found.length === 0) return await describeOthers(q, task, expected);
  const closest = [...found].sort((a, b) => a.differences.length - b.differences.length).slice(0, shownJobs);
  const more = found.length - closest.length;
  return [
    `Of this task ${found.length === 1 ? "there is 1 job" : `there are ${found.length} jobs`}:`,
    ...closest.map(({ job, differences }) =>
      [`  ${describeJob(job)}`, ...differences.map((line) => `    - ${line}`)].join("\n"),
    ),
    ...(more === 0 ? [] : [`  and ${more} more`]),
  ].join("\n");
}

function describeJob({ id, state, queue, priority, input, runAt, createdAt, tags }: JobView): string {
  const delayMs = runAt.getTime() - createdAt.getTime();
  const facts = [
    state,
    `queue ${queue}`,
    `priority ${priority}`,
    ...(delayMs === 0 ? [] : [`delay ${delayMs} ms`]),
    ...(tags.length === 0 ? [] : [`tags ${tags.join(", ")}`]),
  ];
  return `${show(input)} (${facts.join(", ")}; ${id})`;
}

async function describeOthers(
  q: Queue,
  task: string,
  { states = waitingStates, tenant }: ExpectedJob,
): Promise<string> {
  const within = tenant === undefined ? {} : { tenant };
  const own = await q.jobs.list({ ...within, tasks: [task] }, { limit: countedJobs });
  const others = await q.jobs.list({ ...within, states }, { limit: countedJobs });
  return [
    own.items.length === 0
      ? "There is no job of this task."
      : `The jobs of this task are: ${counted(own.items.map(({ state }) => state))}.`,
    others.items.length === 0
      ? "Of other tasks there is none either."
      : `Of other tasks there are: ${counted(others.items.map((job) => job.task))}.`,
  ].join("\n");
}

/** Words with how often each occurs, most first: `3 mail, 1 resize`. */
function counted(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([word, count]) => `${count} ${word}`)
    .join(", ");
}

import type { JobRecord } from "../job.ts";
import { isFinal } from "../job-state.ts";
import type { WorkerRecord } from "../worker-record.ts";
import type { LimitRule, LimitScope } from "./limit.ts";

/** Facts about a job that say why it does not run, as a store has them at one moment. */
export interface JobStanding {
  readonly job: JobRecord;
  /** When its queue was paused; `null` while that runs. */
  readonly pausedAt: number | null;
  /** The limits that have no room for it. */
  readonly full: readonly {
    readonly rule: LimitRule;
    readonly by: "concurrency" | "rate";
    /** When the rate has room again, milliseconds since the epoch. */
    readonly until: number | null;
  }[];
  /** Ready jobs of its queue and priority or a higher one that may come before it, counted up to a bound. */
  readonly ahead: number;
  readonly workers: readonly WorkerRecord[];
}

/** One thing that stands in the way of a job. */
export type Obstacle =
  | { readonly kind: "time"; readonly until: Date; readonly message: string }
  | { readonly kind: "waiting"; readonly waitingFor: string; readonly message: string }
  | { readonly kind: "paused"; readonly since: Date; readonly message: string }
  | {
      readonly kind: "limit";
      readonly scope: LimitScope;
      readonly by: "concurrency" | "rate";
      readonly until: Date | null;
      readonly message: string;
    }
  | { readonly kind: "no_worker" | "no_handler" | "no_queue" | "busy"; readonly message: string }
  | { readonly kind: "ahead"; readonly jobs: number; readonly message: string };

/** Why a job does not run: empty obstacles mean that it runs, is over, or will be claimed any moment. */
export interface Explanation {
  readonly id: string;
  readonly state: JobRecord["state"];
  readonly obstacles: readonly Obstacle[];
  /** All of it in a sentence or two. */
  readonly summary: string;
}

/** Says why a job does not run, the firmest obstacle first. */
export function explain({ job, pausedAt, full, ahead, workers }: JobStanding): Explanation {
  const { id, state, queue, task } = job;
  if (isFinal(state)) {
    return { id, state, obstacles: [], summary: `The job is over: ${state}${job.outcome ? ` (${job.outcome})` : ""}.` };
  }
  if (state === "running") {
    return {
      id,
      state,
      obstacles: [],
      summary: `The job runs, attempt ${job.attempt}, on ${job.worker ?? "a worker"}.`,
    };
  }
  const obstacles: Obstacle[] = [];
  if (state === "pending") {
    const waitingFor = job.waitingFor ?? "release";
    const message = waitingFor === "release" ? "It is held until somebody releases it." : `It waits for ${waitingFor}.`;
    obstacles.push({ kind: "waiting", waitingFor, message });
  }
  if (state === "scheduled" || state === "retryable") {
    const until = new Date(job.runAt);
    const why = state === "retryable" ? `Attempt ${job.attempt} failed; the next one` : "It";
    obstacles.push({ kind: "time", until, message: `${why} starts at ${until.toISOString()} or later.` });
  }
  if (pausedAt !== null) {
    const since = new Date(pausedAt);
    obstacles.push({ kind: "paused", since, message: `Queue ${queue} is paused since ${since.toISOString()}.` });
  }
  for (const { rule, by, until } of full) obstacles.push(limitObstacle(rule, by, until));
  obstacles.push(...workerObstacles(queue, task, job.tenant, workers));
  if (obstacles.length === 0 && ahead > 0) {
    obstacles.push({ kind: "ahead", jobs: ahead, message: `${ahead} or more jobs of its queue may come before it.` });
  }
  const summary =
    obstacles.length === 0
      ? "Nothing stands in its way: a worker will claim it any moment."
      : obstacles.map(({ message }) => message).join(" ");
  return { id, state, obstacles, summary };
}

function limitObstacle(rule: LimitRule, by: "concurrency" | "rate", until: number | null): Obstacle {
  const { scope, concurrency, rate } = rule;
  const parts = Object.entries(scope).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  const where = parts.length === 0 ? `tenant ${rule.tenant}` : parts.join(", ");
  const message =
    by === "concurrency"
      ? `The limit on ${where} is full: ${concurrency} may run at a time.`
      : `The limit on ${where} is used up: ${rate?.limit} may start within ${rate?.periodMs} ms${
          until === null ? "" : `; there is room at ${new Date(until).toISOString()}`
        }.`;
  return { kind: "limit", scope, by, until: until === null ? null : new Date(until), message };
}

/** What keeps the workers that are there from claiming it. */
function workerObstacles(queue: string, task: string, tenant: string, all: readonly WorkerRecord[]): Obstacle[] {
  const running = all.filter(
    (worker) => worker.state === "running" && (worker.tenant === undefined || worker.tenant === tenant),
  );
  if (running.length === 0) return [{ kind: "no_worker", message: `No worker is running for tenant ${tenant}.` }];
  const able = running.filter(({ tasks }) => tasks.includes(task));
  if (able.length === 0) {
    return [{ kind: "no_handler", message: `None of the ${running.length} running workers knows task ${task}.` }];
  }
  const serving = able.filter(({ queues }) => queues.includes(queue));
  if (serving.length === 0) {
    return [{ kind: "no_queue", message: `No worker that knows task ${task} takes from queue ${queue}.` }];
  }
  if (serving.every(({ vitals, concurrency }) => vitals !== null && vitals.running >= concurrency)) {
    return [{ kind: "busy", message: `Every worker that could run it was busy when last heard of.` }];
  }
  return [];
}

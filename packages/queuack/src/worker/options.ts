import type { Codecs } from "../codecs/codecs.ts";
import type { Clock } from "../core/clock.ts";
import { defaults } from "../core/defaults.ts";
import { type Duration, milliseconds } from "../core/duration.ts";
import { QueuackError } from "../core/errors.ts";
import type { RunMiddleware } from "../core/middleware.ts";
import type { Provided } from "../core/provided.ts";
import type { Enqueue, TaskDefinition } from "../core/task.ts";
import { type QueueOption, type QueuePlan, queuePlan } from "./quotas.ts";
import { type RegisteredTask, registerTasks } from "./registered-task.ts";
import type { WorkerTrouble } from "./trouble.ts";

/** What a user says about a worker. */
export interface WorkerOptions {
  /** What it can run; jobs of other tasks are never claimed. */
  readonly tasks: readonly TaskDefinition<never, unknown>[];
  /** How many jobs run at a time; a chunk of many is one. */
  readonly concurrency?: number | undefined;
  /**
   * Names in strict order, or names with weights by which the slots are shared.
   * By default `default` and the queues that the tasks name, in equal shares.
   */
  readonly queues?: QueueOption | undefined;
  /** Only the jobs of this tenant; of every tenant by default. */
  readonly tenant?: string | undefined;
  /** How long a job is this worker's without a heartbeat. */
  readonly lease?: Duration | undefined;
  /** At most half of the lease. */
  readonly heartbeat?: Duration | undefined;
  /** How long running jobs may go on after SIGTERM. */
  readonly shutdownGrace?: Duration | undefined;
  /** Largest result, bytes of its stored form. */
  readonly payloadLimit?: number | undefined;
  /** Told of what goes wrong beside the jobs; by default it becomes a warning of the process. */
  readonly onError?: ((trouble: WorkerTrouble) => void) | undefined;
}

/** What a worker gets from the house. */
export interface WorkerDependencies {
  readonly clock: Clock;
  /** How handlers enqueue. */
  readonly enqueue: Enqueue;
  /** Draws from [0, 1), for the jitter of retries. */
  readonly random?: (() => number) | undefined;
  /** What inputs are read and results are written with; JSON and `structured` by default. */
  readonly codecs?: Codecs | undefined;
  /** What stands around each handler, as it is at the moment a handler starts; nothing by default. */
  readonly middleware?: (() => readonly RunMiddleware[]) | undefined;
  /** What the application registered, for handlers in this process. */
  readonly provided?: Provided | undefined;
}

/** The options, read and completed. */
export interface WorkerSettings {
  readonly tasks: ReadonlyMap<string, RegisteredTask>;
  readonly taskNames: readonly string[];
  readonly plan: QueuePlan;
  readonly concurrency: number;
  readonly tenant: string | undefined;
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  readonly shutdownGraceMs: number;
  readonly payloadLimit: number;
}

const knownOptions: readonly string[] = [
  "tasks",
  "concurrency",
  "queues",
  "tenant",
  "lease",
  "heartbeat",
  "shutdownGrace",
  "payloadLimit",
  "onError",
] satisfies (keyof WorkerOptions)[];

/** @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_INVALID_TASK` */
export function workerSettings(options: WorkerOptions): WorkerSettings {
  for (const key of Object.keys(options)) {
    if (knownOptions.includes(key)) continue;
    throw new QueuackError("QUEUACK_INVALID_OPTION", {
      message: `A worker has no option ${JSON.stringify(key)}.`,
      hint: `Give one of ${knownOptions.join(", ")}.`,
    });
  }
  const tasks = registerTasks(options.tasks);
  if (tasks.size === 0) {
    throw new QueuackError("QUEUACK_INVALID_OPTION", { message: "The worker has no tasks." });
  }
  const implied = [...tasks.values()].map((task) => task.queue ?? defaults.queue);
  const leaseMs = options.lease === undefined ? defaults.leaseMs : milliseconds(options.lease, "lease");
  const heartbeatMs =
    options.heartbeat === undefined
      ? Math.min(defaults.heartbeatMs, leaseMs / 3)
      : milliseconds(options.heartbeat, "heartbeat");
  if (!(leaseMs > 0 && heartbeatMs > 0 && heartbeatMs <= leaseMs / 2)) {
    throw new QueuackError("QUEUACK_INVALID_OPTION", {
      message: `A heartbeat every ${heartbeatMs} ms can't keep a lease of ${leaseMs} ms.`,
      hint: "Let the heartbeat be at most half of the lease, and neither of them zero.",
    });
  }
  return {
    tasks,
    taskNames: [...tasks.keys()],
    plan: queuePlan(options.queues, [defaults.queue, ...implied]),
    concurrency: validConcurrency(options.concurrency ?? defaults.concurrency),
    tenant: options.tenant,
    leaseMs,
    heartbeatMs,
    shutdownGraceMs:
      options.shutdownGrace === undefined
        ? defaults.shutdownGraceMs
        : milliseconds(options.shutdownGrace, "shutdownGrace"),
    payloadLimit: options.payloadLimit ?? defaults.payloadLimit,
  };
}

/** A number of slots, checked. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function validConcurrency(concurrency: number): number {
  if (Number.isSafeInteger(concurrency) && concurrency >= 1 && concurrency <= 10_000) return concurrency;
  throw new QueuackError("QUEUACK_INVALID_OPTION", {
    message: `concurrency is ${concurrency}.`,
    hint: "Give a whole number from 1 to 10000.",
  });
}

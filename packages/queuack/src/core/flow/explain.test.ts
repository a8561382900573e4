import { expect, test } from "vitest";
import type { JobRecord } from "../job.ts";
import type { WorkerRecord } from "../worker-record.ts";
import { explain, type JobStanding } from "./explain.ts";
import type { LimitRule } from "./limit.ts";

const at = Date.UTC(2026, 0, 1, 12);
const iso = "2026-01-01T12:00:00.000Z";

const job: JobRecord = {
  id: "01900000-0000-7000-8000-000000000001",
  tenant: "acme",
  queue: "default",
  task: "mail",
  state: "available",
  outcome: null,
  priority: 50,
  input: null,
  result: null,
  error: null,
  attempt: 0,
  maxAttempts: 3,
  retry: null,
  timeoutMs: null,
  generation: 1,
  createdAt: at,
  runAt: at,
  startedAt: null,
  finishedAt: null,
  expiresAt: null,
  leaseUntil: null,
  worker: null,
  cancelRequested: false,
  waitingFor: null,
  progress: null,
  tags: [],
  metadata: null,
  idempotencyKey: null,
  group: null,
  batch: null,
  callbackOf: null,
};

const worker: WorkerRecord = {
  id: "w1",
  host: "here",
  pid: 1,
  tenant: undefined,
  tasks: ["mail"],
  queues: ["default"],
  concurrency: 2,
  state: "running",
  startedAt: at,
  beatAt: at,
  vitals: null,
};

const rule: LimitRule = {
  id: 1,
  tenant: "acme",
  scope: { queue: "default", task: undefined, group: "*" },
  concurrency: 2,
  rate: { limit: 5, periodMs: 1_000 },
  weight: null,
};

/** What is said of a job in a standing that differs from "will be claimed any moment" by what is given. */
function said(over: Partial<Omit<JobStanding, "job">>, changed: Partial<JobRecord> = {}) {
  return explain({ pausedAt: null, full: [], ahead: 0, workers: [worker], ...over, job: { ...job, ...changed } });
}

test("nothing stands in the way of a job that a worker will claim", () => {
  expect(said({})).toEqual({
    id: job.id,
    state: "available",
    obstacles: [],
    summary: "Nothing stands in its way: a worker will claim it any moment.",
  });
});

test("a job that is over, and one that runs, have no obstacles, whatever else is so", () => {
  const blocked = { pausedAt: at, workers: [], ahead: 9 };
  expect(said(blocked, { state: "discarded", outcome: "expired" })).toMatchObject({
    obstacles: [],
    summary: "The job is over: discarded (expired).",
  });
  expect(said(blocked, { state: "running", attempt: 2, worker: "w7" })).toMatchObject({
    obstacles: [],
    summary: "The job runs, attempt 2, on w7.",
  });
});

const obstacles: [string, Partial<Omit<JobStanding, "job">>, Partial<JobRecord>, object][] = [
  [
    "its time has not come",
    {},
    { state: "scheduled" },
    { kind: "time", until: new Date(at), message: `It starts at ${iso} or later.` },
  ],
  [
    "it failed and waits for its next attempt",
    {},
    { state: "retryable", attempt: 2 },
    { kind: "time", until: new Date(at), message: `Attempt 2 failed; the next one starts at ${iso} or later.` },
  ],
  [
    "somebody holds it",
    {},
    { state: "pending", waitingFor: "release" },
    { kind: "waiting", waitingFor: "release", message: "It is held until somebody releases it." },
  ],
  [
    "it waits for something else",
    {},
    { state: "pending", waitingFor: "approval" },
    { kind: "waiting", waitingFor: "approval", message: "It waits for approval." },
  ],
  [
    "its queue is paused",
    { pausedAt: at },
    {},
    { kind: "paused", since: new Date(at), message: `Queue default is paused since ${iso}.` },
  ],
  [
    "a limit is full",
    { full: [{ rule, by: "concurrency", until: null }] },
    {},
    {
      kind: "limit",
      scope: rule.scope,
      by: "concurrency",
      until: null,
      message: "The limit on queue default, group * is full: 2 may run at a time.",
    },
  ],
  [
    "a rate is used up",
    { full: [{ rule: { ...rule, scope: {} }, by: "rate", until: at }] },
    {},
    {
      kind: "limit",
      scope: {},
      by: "rate",
      until: new Date(at),
      message: `The limit on tenant acme is used up: 5 may start within 1000 ms; there is room at ${iso}.`,
    },
  ],
  [
    "no worker runs",
    { workers: [{ ...worker, state: "stopped" } as WorkerRecord] },
    {},
    { kind: "no_worker", message: "No worker is running for tenant acme." },
  ],
  [
    "the workers are another tenant's",
    { workers: [{ ...worker, tenant: "globex" }] },
    {},
    { kind: "no_worker", message: "No worker is running for tenant acme." },
  ],
  [
    "no worker knows its task",
    { workers: [{ ...worker, tasks: ["resize"] }] },
    {},
    { kind: "no_handler", message: "None of the 1 running workers knows task mail." },
  ],
  [
    "no worker that knows its task takes from its queue",
    {
      workers: [
        { ...worker, queues: ["urgent"] },
        { ...worker, tasks: ["resize"] },
      ],
    },
    {},
    { kind: "no_queue", message: "No worker that knows task mail takes from queue default." },
  ],
  [
    "every worker is busy",
    { workers: [{ ...worker, vitals: { running: 2 } as WorkerRecord["vitals"] }] },
    {},
    { kind: "busy", message: "Every worker that could run it was busy when last heard of." },
  ],
  [
    "others come first",
    { ahead: 7 },
    {},
    { kind: "ahead", jobs: 7, message: "7 or more jobs of its queue may come before it." },
  ],
];

test.each(obstacles)("it says that %s", (_, standing, changed, obstacle) => {
  const explanation = said(standing, changed);
  expect(explanation.obstacles).toEqual([obstacle]);
  expect(explanation.summary).toBe((obstacle as { message: string }).message);
});

test("the firmest obstacle comes first, and the summary tells all of them", () => {
  const { obstacles, summary } = said(
    { pausedAt: at, full: [{ rule, by: "rate", until: null }], workers: [], ahead: 3 },
    { state: "scheduled" },
  );
  expect(obstacles.map(({ kind }) => kind)).toEqual(["time", "paused", "limit", "no_worker"]);
  expect(summary).toBe(obstacles.map(({ message }) => message).join(" "));
});

import type { JobState, QueueStats } from "queuack";
import { states } from "../arguments.ts";
import { humanDuration, humanMoment } from "../duration.ts";
import type { Output } from "../output.ts";
import { type Column, tableText } from "../table.ts";

/** Short titles, for a terminal of 80 columns. */
const titles: Readonly<Record<JobState, string>> = {
  scheduled: "SCHED",
  pending: "PEND",
  available: "AVAIL",
  running: "RUN",
  retryable: "RETRY",
  completed: "DONE",
  discarded: "DEAD",
  cancelled: "CANC",
  skipped: "SKIP",
  upstream_failed: "UPFAIL",
};

/** A list of queues. */
export function queuesTable(queues: readonly QueueStats[], output: Output): string {
  const { colours, width } = output;
  return tableText(
    queues,
    [
      { title: "QUEUE", value: ({ queue }) => queue, flexible: true },
      {
        title: "STATUS",
        value: ({ pausedAt }) => (pausedAt === null ? "active" : `paused ${humanMoment(pausedAt)}`),
        style: (text, { pausedAt }) => (pausedAt === null ? text : colours.yellow(text)),
      },
      { title: "WAITING", value: ({ waiting }) => waiting, align: "right" },
      { title: "RUNNING", value: ({ counts }) => counts.running, align: "right" },
      { title: "OLDEST WAITING", value: oldestWaiting, align: "right" },
      ...(queues.some(({ settings }) => settings.escalation !== null) ? [escalation] : []),
    ],
    { width, title: colours.dim },
  );
}

/** Shown where a queue has it. */
const escalation: Column<QueueStats> = {
  title: "ESCALATION",
  value: ({ settings: { escalation } }) =>
    escalation === null ? null : `+${escalation.by} every ${humanDuration(escalation.afterMs)}`,
};

/** How long the job at the head of the longest-waiting list has been waiting. */
function oldestWaiting({ oldestAvailableAt }: QueueStats): string | null {
  return oldestAvailableAt === null ? null : humanDuration(Date.now() - oldestAvailableAt);
}

/** The states that come and go: always of interest, unlike those that a queue may never know. */
const always: readonly JobState[] = ["available", "running", "retryable", "completed", "discarded"];

/** Queues with their jobs by state. */
export function statsTable(stats: readonly QueueStats[], { colours, width }: Output): string {
  const shown = states.filter((state) => always.includes(state) || stats.some(({ counts }) => counts[state] > 0));
  const columns: Column<QueueStats>[] = [
    {
      title: "QUEUE",
      value: ({ queue, pausedAt }) => `${queue}${pausedAt === null ? "" : " (paused)"}`,
      flexible: true,
    },
    { title: "WAIT", value: ({ waiting }) => waiting, align: "right" },
    ...shown.map(
      (state): Column<QueueStats> => ({
        title: titles[state],
        value: ({ counts }) => counts[state],
        align: "right",
        style: (text, { counts }) => (state === "discarded" && counts.discarded > 0 ? colours.red(text) : text),
      }),
    ),
    { title: "OLDEST", value: oldestWaiting, align: "right" },
    { title: "OK/MIN", value: ({ recent }) => perMinute(recent.completed, recent.windowMs), align: "right" },
    { title: "FAIL/MIN", value: ({ recent }) => perMinute(recent.failed, recent.windowMs), align: "right" },
  ];
  return tableText(stats, columns, { width, title: colours.dim });
}

function perMinute(ended: number, windowMs: number): string {
  const rate = windowMs > 0 ? (ended * 60_000) / windowMs : 0;
  return rate >= 10 || rate === 0 ? String(Math.round(rate)) : rate.toFixed(1);
}

import type { JobState, JobView } from "queuack";
import { humanMoment } from "../duration.ts";
import type { Colours } from "../output.ts";
import type { Column } from "../table.ts";

/** The columns of a list of jobs. */
export function jobColumns(colours: Colours): Column<JobView>[] {
  return [
    { title: "ID", value: ({ id }) => id },
    { title: "TASK", value: ({ task }) => task, flexible: true },
    { title: "QUEUE", value: ({ queue }) => queue, flexible: true },
    { title: "STATE", value: ({ state }) => state, style: (text, { state }) => stateStyle(colours, state)(text) },
    { title: "TRIES", value: ({ attempt, maxAttempts }) => `${attempt}/${maxAttempts}`, align: "right" },
    { title: "CREATED", value: ({ createdAt }) => humanMoment(createdAt) },
    { title: "REMARK", value: remark, flexible: true },
  ];
}

/** The colour of a state. */
function stateStyle(colours: Colours, state: JobState): (text: string) => string {
  if (state === "completed") return colours.green;
  if (state === "running") return colours.cyan;
  if (state === "retryable" || state === "pending") return colours.yellow;
  if (state === "discarded" || state === "upstream_failed") return colours.red;
  return state === "cancelled" || state === "skipped" ? colours.dim : (text) => text;
}

/** Why a job stands where it stands, in a few words. */
function remark(job: JobView): string {
  const { state, error, outcome, waitingFor, runAt, cancelRequested, progress } = job;
  if (cancelRequested && state === "running") return "asked to stop";
  if (state === "scheduled") return `starts ${humanMoment(runAt)}`;
  if (state === "pending") return `waits for ${waitingFor ?? "others"}`;
  if (state === "running" && typeof progress === "number") return `${Math.round(progress * 100)} %`;
  if (error !== null) return `${outcome === null || outcome === "failed" ? "" : `${outcome}: `}${error.message}`;
  return "";
}

import type { LimitOptions, LimitScope, LimitUsage } from "queuack";
import { humanDuration } from "../duration.ts";
import { type Output, printable } from "../output.ts";
import { tableText } from "../table.ts";

/** A list of limits with what is used of them. */
export function limitsTable(limits: readonly LimitUsage[], { width, colours }: Output): string {
  const full = (used: number, most: number | null | undefined) => (text: string) =>
    most != null && used >= most ? colours.yellow(text) : text;
  return tableText(
    limits,
    [
      { title: "QUEUE", value: ({ scope }) => scope.queue },
      { title: "TASK", value: ({ scope }) => scope.task },
      { title: "GROUP", value: ({ scope, group }) => (group === null ? scope.group : `${scope.group} ${group}`) },
      {
        title: "RUNNING",
        value: ({ running, concurrency }) => (concurrency === null ? running : `${running} of ${concurrency}`),
        style: (text, { running, concurrency }) => full(running, concurrency)(text),
      },
      {
        title: "STARTED",
        value: ({ started, rate }) =>
          rate === null ? null : `${started} of ${rate.limit} in ${humanDuration(rate.periodMs)}`,
        style: (text, { started, rate }) => full(started, rate?.limit)(text),
      },
      { title: "WEIGHT", value: ({ weight }) => weight },
    ],
    { width, title: colours.dim },
  );
}

/** A scope in words: `queue mail, group acme`. */
export function scopeText({ queue, task, group }: LimitScope, tenant = "default"): string {
  const parts = [
    queue === undefined ? [] : [`queue ${queue}`],
    task === undefined ? [] : [`task ${task}`],
    group === undefined ? [] : [group === "*" ? "each group" : `group ${group}`],
  ].flat();
  return printable(parts.length === 0 ? `tenant ${tenant}` : parts.join(", "));
}

/** What is set, in words: `5 at a time, 100 starts in 1m, weight 2`. */
export function limitText({ concurrency, rate, weight }: LimitOptions): string {
  return [
    concurrency === undefined ? [] : [`${concurrency} at a time`],
    rate === undefined ? [] : [`${rate.limit} starts in ${rate.per}`],
    weight === undefined ? [] : [`weight ${weight}`],
  ]
    .flat()
    .join(", ");
}

import type { JobView } from "queuack";
import type { Inspection } from "./inspect-package.ts";

/** How many lines the lists of the largest and the slowest have. */
const most = 8;

const number = new Intl.NumberFormat("en-US");

/** The tables that the audit ends with, from the jobs as they stand in the queue. */
export function report(jobs: readonly JobView[]): string {
  const done = jobs
    .filter(({ state }) => state === "completed")
    .map((job) => ({ name: nameOf(job), ms: duration(job), attempt: job.attempt, ...(job.result as Inspection) }));
  const failed = jobs.filter(({ state }) => state === "discarded");
  const retried = jobs.filter(({ attempt }) => attempt > 1);

  const licences = new Map<string, number>();
  for (const { licence } of done) licences.set(licence, (licences.get(licence) ?? 0) + 1);
  const sum = (of: (one: Inspection) => number) => number.format(done.reduce((total, one) => total + of(one), 0));
  const copies = done.length - new Set(done.map(({ hash }) => hash)).size;

  return [
    table(
      ["Licence", "Packages"],
      [...licences].sort((a, b) => b[1] - a[1]).map(([licence, count]) => [licence, number.format(count)]),
    ),
    table(
      ["Largest packages", "Size", "Files", "Lines"],
      [...done]
        .sort((a, b) => b.bytes - a.bytes)
        .slice(0, most)
        .map(({ name, bytes, files, lines }) => [name, size(bytes), number.format(files), number.format(lines)]),
    ),
    table(
      ["Slowest jobs", "Time", "Attempts"],
      [...done]
        .sort((a, b) => b.ms - a.ms)
        .slice(0, most)
        .map(({ name, ms, attempt }) => [name, `${number.format(ms)} ms`, String(attempt)]),
    ),
    ...(failed.length === 0
      ? []
      : [
          table(
            ["Failures", "Attempts", "Why"],
            failed.map((job) => [nameOf(job), String(job.attempt), why(job)]),
          ),
        ]),
    [
      `${number.format(done.length)} packages audited, ${copies} of them copies of another`,
      `${sum(({ files }) => files)} files, ${size(done.reduce((total, { bytes }) => total + bytes, 0))}, ${sum(({ lines }) => lines)} lines`,
      `Retries: ${retried.reduce((total, { attempt }) => total + attempt - 1, 0)}, in ${retried.length} jobs`,
      `Failures: ${failed.length}`,
    ].join("\n"),
  ].join("\n\n");
}

/** A table with its first column to the left and the others to the right, but for the last one where it is text. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)));
  const text = head.at(-1) === "Why" ? head.length - 1 : -1;
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => (i === 0 || i === text ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  return [line(head), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)].join("\n");
}

function nameOf({ input }: JobView): string {
  const { path, version } = input as { path: string; version: string };
  return `${path.replace(/^node_modules\//, "").replaceAll("/node_modules/", " › ")} ${version}`;
}

function why({ error }: JobView): string {
  return (error?.message ?? "unknown").split("\n")[0]?.slice(0, 100) ?? "";
}

function duration({ startedAt, finishedAt }: JobView): number {
  return startedAt === null || finishedAt === null ? 0 : finishedAt.getTime() - startedAt.getTime();
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${number.format(Number((bytes / 1_000_000).toFixed(1)))} MB`;
}

import type { AttemptView, JobView, LogView } from "queuack";
import type { Connection } from "../connection.ts";
import { humanDuration, humanMoment } from "../duration.ts";
import { CliError, exitCodes } from "../errors.ts";
import { type Colours, printable } from "../output.ts";
import { jsonText } from "../plain-value.ts";
import { factsText } from "../table.ts";

/** Prints all that is known of a job. @throws {CliError} exit code 3 when there is none */
export async function showJob({ queue, output }: Connection, id: string): Promise<void> {
  const job = await queue.jobs.get(id);
  if (job === null) {
    throw new CliError(exitCodes.notFound, `There is no job ${id}.`, {
      hint: "Check the id; a job past its retention is deleted.",
      code: "QUEUACK_UNKNOWN_JOB",
    });
  }
  const [attempts, logs] = await Promise.all([queue.jobs.attempts(id), queue.jobs.logs(id)]);
  await output.result({ ...job, attempts, logs }, () => jobText(job, attempts, logs, output.colours));
}

function jobText(job: JobView, attempts: readonly AttemptView[], logs: readonly LogView[], colours: Colours): string {
  const json = (value: unknown) => jsonText(value) ?? null;
  const time = (date: Date | null) => (date === null ? null : `${date.toISOString()} (${humanMoment(date)})`);
  const { startedAt, finishedAt, generation } = job;
  const facts = factsText(
    [
      ["id", job.id],
      ["task", job.task],
      ["queue", job.queue],
      ["tenant", job.tenant === "default" ? null : job.tenant],
      ["state", job.state + (job.outcome === null || job.outcome === "succeeded" ? "" : ` (${job.outcome})`)],
      ["waits for", job.waitingFor],
      ["group", job.group],
      ["priority", job.priority],
      ["attempt", `${job.attempt} of ${job.maxAttempts}${generation > 1 ? `, life ${generation}` : ""}`],
      ["timeout", job.timeoutMs === null ? null : humanDuration(job.timeoutMs)],
      ["created", time(job.createdAt)],
      ["run at", job.runAt.getTime() > job.createdAt.getTime() ? time(job.runAt) : null],
      ["started", time(startedAt)],
      ["finished", time(finishedAt)],
      ["took", startedAt && finishedAt ? humanDuration(finishedAt.getTime() - startedAt.getTime()) : null],
      ["expires", time(job.expiresAt)],
      ["lease until", time(job.leaseUntil)],
      ["worker", job.worker],
      ["cancel", job.cancelRequested && job.state === "running" ? "requested" : null],
      ["progress", json(job.progress)],
      ["tags", job.tags.join(", ")],
      ["key", job.idempotencyKey],
      ["metadata", job.metadata === null ? null : json(job.metadata)],
      ["input", json(job.input)],
      ["result", json(job.result)],
      ["error", job.error === null ? null : `${job.error.name}: ${job.error.message}`],
    ],
    colours.dim,
  );
  return [facts, ...attempts.map((each) => attemptText(each, colours)), ...logSection(logs, colours)].join("\n\n");
}

function attemptText(
  { attempt, generation, outcome, error, worker, startedAt, finishedAt }: AttemptView,
  colours: Colours,
) {
  const took = humanDuration(finishedAt.getTime() - startedAt.getTime());
  const life = generation > 1 ? ` of life ${generation}` : "";
  const head = `attempt ${attempt}${life}  ${outcome} after ${took}, ${finishedAt.toISOString()}${worker === null ? "" : `, on ${worker}`}`;
  const text = error.stack ?? `${error.name}: ${error.message}`;
  return [colours.bold(head), ...text.split("\n").map((line) => `  ${printable(line)}`)].join("\n");
}

function logSection(logs: readonly LogView[], colours: Colours): string[] {
  if (logs.length === 0) return [];
  const lines = logs.map(({ at, level, message, data, attempt }) => {
    const facts = data === undefined ? "" : ` ${JSON.stringify(data)}`;
    return `  ${at.toISOString()} ${attempt} ${level.padEnd(5)} ${printable(message + facts)}`;
  });
  return [[colours.bold("log (time, attempt, level)"), ...lines].join("\n")];
}

import type { EventName, QueueEvent, WorkerTrouble } from "queuack";
import { whenPipeCloses } from "../closed-pipe.ts";
import type { Connection } from "../connection.ts";
import { humanDuration } from "../duration.ts";
import { printable } from "../output.ts";

/** The flags of `worker`. */
export interface WorkerFlags {
  readonly concurrency?: number;
  readonly queues?: string[] | Record<string, number>;
  readonly shutdownGrace?: string;
}

const told: readonly EventName[] = [
  "job:started",
  "job:completed",
  "job:retrying",
  "job:discarded",
  "job:cancelled",
  "queue:paused",
  "queue:resumed",
  "queue:backpressure",
  "batch:completed",
  "batch:succeeded",
  "worker:lost",
];

/** Runs a worker with the tasks of the connection until a signal comes, and tells what happens. */
export async function runWorker(connection: Connection, flags: WorkerFlags): Promise<void> {
  const { queue, output, tasks, tenant, settings, shownUrl } = connection;
  const events = queue.events({ names: told });
  const lines = output.format === "json" ? jsonLine : logLine;
  const tell = (event: QueueEvent) => {
    const line = lines(event);
    if (output.format === "json") output.write(`${line}\n`);
    else output.remark(line);
  };
  const worker = queue.worker({
    ...settings.worker,
    ...flags,
    tenant,
    tasks,
    onError: ({ during, message, error }: WorkerTrouble) => {
      const detail = error instanceof Error ? ` ${error.message}` : "";
      output.remark(`${stamp(Date.now())} trouble while it did ${during}: ${printable(message + detail)}`);
    },
  });
  const telling = (async () => {
    for await (const event of events) tell(event);
  })();
  const onSignal = () =>
    output.remark(`${stamp(Date.now())} stopping; ${worker.running} running. Again to end at once.`);
  process.once("SIGTERM", onSignal).once("SIGINT", onSignal);
  whenPipeCloses(() => void worker.stop());
  const running = worker.run();
  const names = tasks.map(({ name }) => name).join(", ");
  output.remark(`${stamp(Date.now())} worker started on ${shownUrl} with ${names}; Ctrl+C to stop.`);
  await running;
  events.close();
  await telling;
  output.remark(`${stamp(Date.now())} worker stopped.`);
}

/** An event as one line of JSON; a result may be large and is kept with the job. */
function jsonLine(event: QueueEvent): string {
  const { result: _result, ...facts } = event as QueueEvent & { result?: unknown };
  return JSON.stringify({ ...facts, at: stamp(event.at) });
}

/** An event as a line for people. */
function logLine(event: QueueEvent): string {
  return `${stamp(event.at)} ${printable(happening(event))}`;
}

function happening(event: QueueEvent): string {
  const job = "task" in event ? `${event.task} ${event.id}` : "";
  switch (event.name) {
    case "job:started":
      return `started ${job} (attempt ${event.attempt})`;
    case "job:completed":
      return `completed ${job} in ${humanDuration(event.durationMs)}`;
    case "job:retrying":
      return `failed ${job}, again in ${humanDuration(event.delayMs)}: ${event.error.message}`;
    case "job:discarded":
      return `discarded ${job} (${event.outcome}): ${event.error.message}`;
    case "queue:backpressure":
      return `queue ${event.queue} is filling up: ${event.waiting} jobs wait`;
    case "queue:paused":
    case "queue:resumed":
      return `${event.name.slice("queue:".length)} queue ${event.queue}`;
    case "batch:completed":
      return `completed batch ${event.batch} ${event.id}: ${event.total} in all, ${event.failed} failed`;
    case "batch:succeeded":
      return `succeeded batch ${event.batch} ${event.id}: ${event.total} in all`;
    case "worker:lost":
      return `lost worker ${event.worker}; its jobs go back`;
    case "events:missed":
      return `${event.missed} events came too fast to be told`;
    default:
      return `${event.name.slice("job:".length)} ${job}`;
  }
}

/** A time, in milliseconds since the epoch, as lines begin with it. */
export function stamp(ms: number): string {
  return new Date(ms).toISOString();
}

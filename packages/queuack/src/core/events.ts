import type { Payload } from "./job.ts";
import type { ErrorRecord, Outcome } from "./outcome.ts";

/** The facts that every event about a job bears. */
interface JobEventBase {
  readonly id: string;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  /** Milliseconds since the epoch, on the clock of the process that tells. */
  readonly at: number;
}

/** The events, by name, with what they carry. Signals beside the commit: they are not stored. */
export interface QueueEvents {
  "job:enqueued": JobEventBase;
  "job:started": JobEventBase & { readonly attempt: number; readonly worker: string };
  "job:progress": JobEventBase & { readonly progress: unknown };
  "job:completed": JobEventBase & { readonly attempt: number; readonly result: Payload; readonly durationMs: number };
  /** An attempt failed and another follows. */
  "job:retrying": JobEventBase & {
    readonly attempt: number;
    readonly outcome: Outcome;
    readonly error: ErrorRecord;
    /** How long the attempt took; `null` where its worker died. */
    readonly durationMs: number | null;
    readonly delayMs: number;
  };
  /** The job went to the dead letter queue. */
  "job:discarded": JobEventBase & {
    readonly attempt: number;
    readonly outcome: Outcome;
    readonly error: ErrorRecord;
    /** How long the last attempt took; `null` where there was none, or its worker died. */
    readonly durationMs: number | null;
  };
  "job:cancelled": JobEventBase;
  "queue:paused": { readonly tenant: string; readonly queue: string; readonly at: number };
  "queue:resumed": { readonly tenant: string; readonly queue: string; readonly at: number };
  /** A queue stands above its warning mark. */
  "queue:backpressure": {
    readonly tenant: string;
    readonly queue: string;
    readonly waiting: number;
    readonly warnAt: number;
    readonly at: number;
  };
  /** A worker was found dead; its jobs go back. */
  "worker:lost": { readonly worker: string; readonly at: number };
  /** This listener was too slow and missed events. */
  "events:missed": { readonly missed: number; readonly at: number };
}

/** The name of an event. */
export type EventName = keyof QueueEvents;

/** Every name of an event. */
export const eventNames: readonly EventName[] = Object.keys({
  "job:enqueued": true,
  "job:started": true,
  "job:progress": true,
  "job:completed": true,
  "job:retrying": true,
  "job:discarded": true,
  "job:cancelled": true,
  "queue:paused": true,
  "queue:resumed": true,
  "queue:backpressure": true,
  "worker:lost": true,
  "events:missed": true,
} satisfies Record<EventName, true>) as EventName[];

/** One event, with its name. */
export type QueueEvent = { [Name in EventName]: { readonly name: Name } & QueueEvents[Name] }[EventName];

/** Which events are wanted: all given conditions must hold. */
export interface EventFilter {
  readonly names?: readonly EventName[] | undefined;
  readonly ids?: readonly string[] | undefined;
  readonly tenant?: string | undefined;
  readonly queues?: readonly string[] | undefined;
  readonly tasks?: readonly string[] | undefined;
}

import type { ClaimedJob, LogLevel, Payload } from "../../core/job.ts";
import type { JobOptions, TaskOptions } from "../../core/task.ts";
import type { PackedError } from "./packed-error.ts";

/** What a worker tells a thread or process. */
export type ToChild =
  | RunOrder
  | { readonly type: "abort"; readonly run: number; readonly reason: PackedError }
  | Reply
  /** There is nothing more to do: end. */
  | { readonly type: "end" };

/** One attempt to run. */
export interface RunOrder {
  readonly type: "run";
  /** Tells this run from every other of the thread or process. */
  readonly run: number;
  /** A `file:` URL. */
  readonly module: string;
  readonly export: string | undefined;
  /** With its input in JSON or structured form, whatever codec wrote it. */
  readonly job: ClaimedJob;
  /** What the result is to be written with. */
  readonly codec: "json" | "structured";
  /** Bytes. */
  readonly payloadLimit: number;
}

/** The answer to a call. */
export type Reply = { readonly type: "reply"; readonly run: number; readonly call: number } & (
  | { readonly value: unknown }
  | { readonly error: PackedError }
);

/** What a handler asks of its worker, and waits for. */
export type Call =
  | { readonly what: "progress"; readonly progress: Payload }
  | { readonly what: "heartbeat" }
  | {
      readonly what: "enqueue";
      readonly task: string | PortableTask;
      readonly input: Payload;
      readonly options: JobOptions | undefined;
    };

/** A task without its functions: what is needed to enqueue it. */
export type PortableTask = Pick<
  TaskOptions<never, unknown>,
  "name" | "queue" | "priority" | "timeout" | "retry" | "unique" | "codec"
>;

/** How a handler ended, as it crosses over. */
export type PackedEnd =
  /** `heeded`: the handler has taken its signal, so that after an abort the result may be half of one. */
  | { readonly kind: "returned"; readonly result: Payload; readonly heeded: boolean }
  | { readonly kind: "threw"; readonly error: PackedError; readonly final: boolean }
  /** It threw the reason of its abort. */
  | { readonly kind: "aborted" }
  | { readonly kind: "snoozed"; readonly delayMs: number }
  | { readonly kind: "discarded"; readonly reason: string };

/** What a thread or process tells its worker. */
export type FromChild =
  /** The order has come; `loaded`: the module too, so that the handler begins. */
  | { readonly type: "started"; readonly run: number; readonly loaded: boolean }
  | { readonly type: "call"; readonly run: number; readonly call: number; readonly asks: Call }
  | {
      readonly type: "log";
      readonly run: number;
      readonly level: LogLevel;
      readonly message: string;
      readonly data: Payload;
    }
  | {
      readonly type: "ended";
      readonly run: number;
      readonly end: PackedEnd;
      /** Resident memory of the process or heap of the thread, bytes. */
      readonly memory: number;
      /** Something is left over that could harm the next run. */
      readonly worn: boolean;
    }
  /** The handler has failed outside its promise; the rest of it may still be running. */
  | {
      readonly type: "fault";
      readonly run: number;
      readonly outcome: "unhandled_rejection" | "crashed";
      readonly error: PackedError;
    }
  /** What a run that was over left behind has failed. */
  | { readonly type: "stray"; readonly error: PackedError }
  /** `process.exit` was called, by the code of this run where that is known. */
  | { readonly type: "exit"; readonly run: number | null };

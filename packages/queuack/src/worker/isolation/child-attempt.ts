import type { StandardSchemaV1 } from "@standard-schema/spec";
import { Codecs } from "../../codecs/codecs.ts";
import { QueuackError } from "../../core/errors.ts";
import { validInput } from "../../core/input.ts";
import type { ClaimedJob, LogLevel, Payload } from "../../core/job.ts";
import { encodePayload } from "../../core/payload.ts";
import { nothingProvided } from "../../core/provisions.ts";
import type { Enqueue, RetryOptions, TaskContext } from "../../core/task.ts";
import type { AnyTask } from "../../modules/load-tasks.ts";
import { type Attempt, Context, Discard, Snooze } from "../context.ts";
import { readInput } from "../input.ts";
import { logPayload } from "../log-payload.ts";
import { type PackedError, packError, unpackError } from "./packed-error.ts";
import type { Call, FromChild, PackedEnd, PortableTask, Reply, RunOrder } from "./wire.ts";

/** One attempt inside a thread or process: runs the handler, and asks the worker for what only it can do. */
export class ChildAttempt implements Attempt {
  readonly job: ClaimedJob;
  readonly run: number;
  readonly provided = nothingProvided;
  readonly #codecs = new Codecs();
  readonly #codec: "json" | "structured";
  readonly #payloadLimit: number;
  readonly #post: (message: FromChild) => void;
  readonly #calls = new Map<number, { resolve: (value: unknown) => void; reject: (error: unknown) => void }>();
  #called = 0;
  #controller: AbortController | undefined;
  #reason: unknown;

  constructor({ run, job, codec, payloadLimit }: RunOrder, post: (message: FromChild) => void) {
    this.run = run;
    this.job = job;
    this.#codec = codec;
    this.#payloadLimit = payloadLimit;
    this.#post = post;
  }

  /** Runs the handler of a task to its end. Never rejects. */
  async execute(load: () => Promise<AnyTask>): Promise<PackedEnd> {
    try {
      const { options } = await load();
      const verdict = await readInput(this.job, options.input as StandardSchemaV1 | undefined, this.#codecs);
      if ("invalid" in verdict) return failed(verdict.invalid, true);
      const handler = options.run as (context: TaskContext<unknown>) => unknown;
      return this.#returned(await handler(new Context(verdict.value, this)));
    } catch (thrown) {
      if (thrown instanceof Snooze) return { kind: "snoozed", delayMs: thrown.delayMs };
      if (thrown instanceof Discard) return { kind: "discarded", reason: thrown.message };
      return this.#reason !== undefined && thrown === this.#reason ? { kind: "aborted" } : failed(thrown, false);
    }
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: PackedError): void {
    this.#reason ??= unpackError(reason);
    this.#controller?.abort(this.#reason);
  }

  progress(progress: number | Record<string, unknown>): Promise<void> {
    const told = typeof progress === "number" ? Math.min(1, Math.max(0, progress)) : progress;
    // Throws here rather than rejects: progress is seldom awaited, and a rejection nobody awaits would fail the attempt.
    const payload = encodePayload(told, "progress", this.#payloadLimit);
    return this.#unawaited({ what: "progress", progress: payload });
  }

  log(level: LogLevel, message: string, data: unknown): void {
    const line = { level, message: String(message), data: logPayload(data, this.#payloadLimit) };
    this.#post({ type: "log", run: this.run, ...line });
  }

  heartbeat(): Promise<void> {
    return this.#unawaited({ what: "heartbeat" });
  }

  readonly enqueue: Enqueue = async (task, input, options) => {
    const portable = typeof task === "string" ? task : portableTask(task as AnyTask);
    if (typeof task !== "string")
      await validInput(task.options.input as StandardSchemaV1 | undefined, input, task.name);
    const payload = this.#codecs.encode(input, "input", this.#payloadLimit, "structured");
    return (await this.#call({ what: "enqueue", task: portable, input: payload, options })) as { id: string };
  };

  replied(reply: Reply): void {
    const call = this.#calls.get(reply.call);
    this.#calls.delete(reply.call);
    if ("error" in reply) call?.reject(unpackError(reply.error));
    else call?.resolve(reply.value);
  }

  #returned(value: unknown): PackedEnd {
    let result: Payload;
    try {
      result = this.#codecs.encode(value, "result", this.#payloadLimit, this.#codec);
    } catch (cause) {
      // Final: another attempt would repeat the job's effects and return the same thing.
      const why = cause instanceof Error ? cause.message : String(cause);
      return failed(new QueuackError("QUEUACK_INVALID_RESULT", { message: why, cause }), true);
    }
    return { kind: "returned", result, heeded: this.#controller !== undefined };
  }

  #call(asks: Call): Promise<unknown> {
    const call = ++this.#called;
    return new Promise((resolve, reject) => {
      try {
        this.#post({ type: "call", run: this.run, call, asks });
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new QueuackError("QUEUACK_NOT_STORABLE", { message: `The worker can't be asked that: ${why}.`, cause });
      }
      this.#calls.set(call, { resolve, reject });
    });
  }

  /** A call whose failure shows in the signal as well: whoever doesn't await it has asked for no answer. */
  #unawaited(asks: Call): Promise<void> {
    const answered = this.#call(asks) as Promise<void>;
    answered.catch(() => undefined);
    return answered;
  }
}

function failed(thrown: unknown, final: boolean): PackedEnd {
  return { kind: "threw", error: packError(thrown), final };
}

/** What is needed to enqueue a task, without what can't be sent. */
function portableTask({ name, options }: AnyTask): PortableTask {
  const { queue, priority, timeout, retry, unique, codec } = options;
  if (typeof codec === "object") {
    throw new QueuackError("QUEUACK_UNSUPPORTED", {
      message: `Task ${name} has a codec of its own, which can't leave this thread or process.`,
      hint: "Enqueue it by its name, and let the queue know the task.",
    });
  }
  return { name, queue, priority, timeout, retry: retry && declarative(retry), unique, codec };
}

function declarative({ retryIf: _, backoff, ...retry }: RetryOptions): RetryOptions {
  return typeof backoff === "function" ? retry : { ...retry, backoff };
}

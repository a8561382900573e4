import { type Duration, milliseconds } from "../../core/duration.ts";
import type { ChunkContext, ChunkJob, Enqueue, JobLog } from "../../core/task.ts";
import { type Context, Discard, jobLog, Snooze } from "../context.ts";

/** The one argument of a handler that takes many jobs: made of the contexts that each would have had alone. */
export class ContextOfMany implements ChunkContext<unknown> {
  readonly inputs: readonly unknown[];
  readonly attempts: readonly number[];
  readonly #contexts: readonly Context[];
  readonly #takeSignal: () => AbortSignal;
  #jobs: readonly ChunkJob[] | undefined;
  #log: JobLog | undefined;

  /** @param takeSignal the signal of the chunk, made when it is first asked for */
  constructor(contexts: readonly Context[], takeSignal: () => AbortSignal) {
    this.inputs = contexts.map(({ input }) => input);
    this.attempts = contexts.map(({ attempt }) => attempt);
    this.#contexts = contexts;
    this.#takeSignal = takeSignal;
  }

  get jobs(): readonly ChunkJob[] {
    this.#jobs ??= this.#contexts.map(chunkJob);
    return this.#jobs;
  }

  get signal(): AbortSignal {
    return this.#takeSignal();
  }

  get log(): JobLog {
    const contexts = this.#contexts;
    this.#log ??= jobLog({
      log: (level, message, data) => {
        for (const { log } of contexts) log[level](message, data);
      },
    });
    return this.#log;
  }

  get snooze(): (delay: Duration) => Error {
    return (delay) => new Snooze(milliseconds(delay, "snooze"));
  }

  get discard(): (reason: string) => Error {
    return (reason) => new Discard(reason);
  }

  get enqueue(): Enqueue {
    // Any of them: the jobs of a chunk are of one tenant.
    return (this.#contexts[0] as Context).enqueue;
  }
}

/**
 * A job as the handler sees it: its facts, and what is made when it is first asked for. A signal that was asked for is
 * one that somebody heeds, so copies of the facts must not ask for it.
 */
function chunkJob(context: Context): ChunkJob {
  const facts = { ...context.job, attempt: context.attempt };
  return Object.defineProperties(facts, {
    signal: { get: () => context.signal },
    log: { get: () => context.log },
    progress: { get: () => context.progress },
  }) as ChunkJob;
}

/** A signal that aborts when the last of these has. */
export function abortedWithAll(contexts: readonly { readonly signal: AbortSignal }[]): AbortSignal {
  const controller = new AbortController();
  let wanted = contexts.length;
  for (const { signal } of contexts) {
    const stop = () => {
      if (--wanted === 0) controller.abort(signal.reason);
    };
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  }
  return controller.signal;
}

import type { Codecs } from "../codecs/codecs.ts";
import type { EventName, QueueEvent } from "../core/events.ts";
import type { ErrorRecord, Outcome } from "../core/outcome.ts";
import type { Broker } from "../engine/broker.ts";
import { invalid, refuseOther, shown } from "./settings.ts";

/** What every hook is told of the job. */
export interface HookFacts {
  readonly id: string;
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  /** Number of the attempt, from 1; 0 where there was none. */
  readonly attempt: number;
  readonly at: Date;
}

/** An attempt has started. */
export interface JobStarted extends HookFacts {
  readonly worker: string;
}

/** A job is completed. */
export interface JobSucceeded extends HookFacts {
  readonly durationMs: number;
  /** What the handler returned; read when it is first asked for. */
  readonly result: unknown;
}

/** An attempt failed: an error, a timeout, or the death of its worker. */
export interface AttemptFailed extends HookFacts {
  /** `null` where its worker died. */
  readonly durationMs: number | null;
  readonly outcome: Outcome;
  readonly error: ErrorRecord;
  /** When the next attempt may start, milliseconds from now; `null` where none follows. */
  readonly retryInMs: number | null;
}

/** A job went to the dead letter queue. */
export interface JobDied extends HookFacts {
  /** How long the last attempt took; `null` where there was none, or its worker died. */
  readonly durationMs: number | null;
  /** Why: `failed`, `timed_out` or `crashed` on the last attempt, `discarded` by its handler, `expired` before a start. */
  readonly outcome: Outcome;
  readonly error: ErrorRecord;
}

/** What `q.hooks()` takes: functions to be called about the jobs that this connection's workers run. */
export interface Hooks {
  readonly onStart?: ((job: JobStarted) => unknown) | undefined;
  readonly onSuccess?: ((job: JobSucceeded) => unknown) | undefined;
  /** Every failed attempt, the last one too. */
  readonly onFailure?: ((job: AttemptFailed) => unknown) | undefined;
  /** After `onFailure` where an attempt's failure was the reason. */
  readonly onDead?: ((job: JobDied) => unknown) | undefined;
}

/** The events that the hooks are made of. */
const heard: { readonly [Name in keyof Required<Hooks>]: readonly EventName[] } = {
  onStart: ["job:started"],
  onSuccess: ["job:completed"],
  onFailure: ["job:retrying", "job:discarded"],
  onDead: ["job:discarded"],
};

/** The outcomes that are failures of an attempt, and no decision of a handler or a clock about the job. */
const failures: readonly Outcome[] = ["failed", "timed_out", "crashed"];

/**
 * Calls hooks about what becomes of jobs, as soon as it is committed. Nothing a hook does harms a job: what it throws or
 * rejects with is told to `onError`. Hooks are not awaited, but `idle` waits for those that are at work.
 */
export class HookRunner {
  readonly #broker: Broker;
  readonly #codecs: Codecs;
  readonly #onError: (error: unknown) => void;
  readonly #atWork = new Set<Promise<unknown>>();

  constructor(params: { broker: Broker; codecs: Codecs; onError: (error: unknown) => void }) {
    this.#broker = params.broker;
    this.#codecs = params.codecs;
    this.#onError = params.onError;
  }

  /** Adds hooks; returns the way to stop. @throws {QueuackError} `QUEUACK_INVALID_OPTION`, `QUEUACK_CLOSED` */
  add(hooks: Hooks): () => void {
    refuseOther(hooks, "Hooks", Object.keys(heard));
    const given = Object.entries(hooks).filter(([, hook]) => hook !== undefined);
    for (const [name, hook] of given) {
      if (typeof hook !== "function") throw invalid(`${name} is ${shown(hook)}.`, "Give a function.");
    }
    const names = new Set(given.flatMap(([name]) => heard[name as keyof Hooks]));
    if (names.size === 0) return () => undefined;
    return this.#broker.subscribe({ names: [...names] }, (event) => this.#hear(hooks, event));
  }

  /** Resolves when no hook is at work. */
  async idle(): Promise<void> {
    while (this.#atWork.size > 0) await Promise.all(this.#atWork);
  }

  #hear(hooks: Hooks, event: QueueEvent): void {
    switch (event.name) {
      case "job:started":
        return this.#call(hooks.onStart, { ...facts(event), worker: event.worker });
      case "job:completed":
        return this.#call(hooks.onSuccess, succeeded(event, this.#codecs));
      case "job:retrying":
        return this.#call(hooks.onFailure, { ...failure(event), retryInMs: event.delayMs });
      case "job:discarded":
        if (failures.includes(event.outcome)) this.#call(hooks.onFailure, { ...failure(event), retryInMs: null });
        return this.#call(hooks.onDead, failure(event));
    }
  }

  #call<Told>(hook: ((told: Told) => unknown) | undefined, told: Told): void {
    if (hook === undefined) return;
    const work = (async () => hook(told))()
      .catch(this.#onError)
      .finally(() => this.#atWork.delete(work));
    this.#atWork.add(work);
  }
}

function facts({ id, tenant, queue, task, attempt, at }: Omit<HookFacts, "at"> & { at: number }): HookFacts {
  return { id, tenant, queue, task, attempt, at: new Date(at) };
}

function succeeded(event: Extract<QueueEvent, { name: "job:completed" }>, codecs: Codecs): JobSucceeded {
  const { durationMs, result } = event;
  let read: { readonly value: unknown } | undefined;
  return {
    ...facts(event),
    durationMs,
    get result() {
      read ??= { value: codecs.decode(result, "result") };
      return read.value;
    },
  };
}

function failure(event: Extract<QueueEvent, { name: "job:retrying" | "job:discarded" }>) {
  const { outcome, error, durationMs } = event;
  return { ...facts(event), durationMs, outcome, error };
}

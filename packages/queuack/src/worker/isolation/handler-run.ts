import type { Codecs } from "../../codecs/codecs.ts";
import type { QueuackError } from "../../core/errors.ts";
import { decodePayload } from "../../core/payload.ts";
import type { TaskDefinition } from "../../core/task.ts";
import { Discard, Snooze } from "../context.ts";
import type { IsolatedAttempt, IsolatedEnd, IsolatedRun } from "../execution-host.ts";
import { type DeathReport, reportDeath, reportFault } from "./death-report.ts";
import type { Death } from "./executor.ts";
import type { IsolatedTask } from "./isolation-options.ts";
import { packError, unpackError } from "./packed-error.ts";
import type { Call, FromChild, PackedEnd, PortableTask, RunOrder, ToChild } from "./wire.ts";

/** How long before a job comes again whose executor could not even be started, milliseconds. */
const unstartedDelayMs = 1_000;

/** The way from a run to its executor. */
export interface RunLine {
  send(message: ToChild): void;
  kill(): void;
}

/** One run of a handler in an executor: carries word between the attempt and the handler, and says how it ended, once. */
export class HandlerRun implements IsolatedRun {
  readonly number: number;
  readonly #attempt: IsolatedAttempt;
  readonly #task: IsolatedTask;
  readonly #line: RunLine;
  readonly #codecs: Codecs;
  #started = false;
  #abortReason: QueuackError | undefined;
  #fault: DeathReport | undefined;
  /** Which run called `process.exit`; `undefined`: none did, `null`: not known. */
  #exitedBy: number | null | undefined;

  constructor(number: number, attempt: IsolatedAttempt, task: IsolatedTask, codecs: Codecs, line: RunLine) {
    this.#codecs = codecs;
    this.number = number;
    this.#attempt = attempt;
    this.#task = task;
    this.#line = line;
  }

  begin(order: Pick<RunOrder, "job" | "codec" | "payloadLimit">): void {
    const { module, export: exported } = this.#task;
    this.#line.send({ type: "run", run: this.number, module, export: exported, ...order });
  }

  abort(reason: QueuackError): void {
    this.#abortReason = reason;
    this.#line.send({ type: "abort", run: this.number, reason: packError(reason) });
  }

  kill(): void {
    this.#line.kill();
  }

  /** Takes a message of the handler; not the one that it has ended. */
  heard(message: FromChild): void {
    if (message.type === "started") {
      this.#started = true;
      if (message.loaded) this.#attempt.isolatedBegan();
    } else if (message.type === "exit") this.#exitedBy = message.run;
    else if (message.type === "fault") {
      this.#fault ??= reportFault(message.outcome, unpackError(message.error));
      // What the handler began may go on beside what has failed: it is over when its executor is.
      this.kill();
    } else if (message.type === "log") {
      this.#attempt.log(message.level, message.message, decodePayload(message.data));
    } else if (message.type === "call") void this.#reply(message.call, message.asks);
  }

  /** The handler has ended by itself. */
  ended(end: PackedEnd): void {
    this.#attempt.isolatedEnded(this.#unpacked(end));
  }

  /** @param warm whether the executor had run others before */
  died(death: Death, warm: boolean): void {
    this.#attempt.isolatedEnded(this.#explained(death, warm));
  }

  #explained(death: Death, warm: boolean): IsolatedEnd {
    if (this.#fault !== undefined) return { kind: "died", ...this.#fault };
    const { error, outcome } = reportDeath(death, this.#task);
    if (death.kind === "unstarted") return { kind: "blameless", error, delayMs: unstartedDelayMs };
    const byAnother = typeof this.#exitedBy === "number" && this.#exitedBy !== this.number;
    // What others left behind in a warm executor is not this job's fault. In a fresh one there were no others.
    if (byAnother || (warm && !this.#started)) return { kind: "blameless", error, delayMs: 0 };
    return { kind: "died", outcome, error };
  }

  #unpacked(end: PackedEnd): IsolatedEnd {
    switch (end.kind) {
      case "returned":
        return end;
      case "threw":
        return { kind: "threw", thrown: unpackError(end.error), final: end.final };
      case "aborted":
        return { kind: "threw", thrown: this.#abortReason, final: false };
      case "snoozed":
        return { kind: "threw", thrown: new Snooze(end.delayMs), final: false };
      case "discarded":
        return { kind: "threw", thrown: new Discard(end.reason), final: false };
    }
  }

  async #reply(call: number, asks: Call): Promise<void> {
    const answer = { type: "reply", run: this.number, call } as const;
    try {
      this.#line.send({ ...answer, value: await this.#answer(asks) });
    } catch (error) {
      this.#line.send({ ...answer, error: packError(error) });
    }
  }

  async #answer(asks: Call): Promise<unknown> {
    const attempt = this.#attempt;
    if (asks.what === "heartbeat") return attempt.heartbeat();
    if (asks.what === "progress") return attempt.progress(decodePayload(asks.progress) as number);
    const { id } = await attempt.enqueue(
      enqueueable(asks.task),
      this.#codecs.decode(asks.input, "input"),
      asks.options,
    );
    return { id };
  }
}

/** A definition to enqueue by; it has no handler here, and whoever runs the job has one. */
function enqueueable(task: string | PortableTask): string | TaskDefinition<unknown, unknown> {
  return typeof task === "string" ? task : { name: task.name, options: { ...task, run: () => undefined } };
}

import { QueuackError } from "../../core/errors.ts";
import type { Outcome } from "../../core/outcome.ts";
import type { Death } from "./executor.ts";
import type { IsolatedTask } from "./isolation-options.ts";

/** What an attempt ends as that took its thread or process along. */
export interface DeathReport {
  readonly outcome: Outcome;
  readonly error: QueuackError;
}

/** Says how a handler's thread or process died. */
export function reportDeath(death: Death, { kind, memoryLimit }: IsolatedTask): DeathReport {
  switch (death.kind) {
    case "exited":
      return report("exited", `The handler's ${kind} ended with exit code ${death.code} before the handler did.`, {
        hint: "Return or throw from the handler instead of calling process.exit().",
        details: { exitCode: death.code },
      });
    case "signal":
      return report("crashed", `The handler's ${kind} was ended by ${death.signal}.`, {
        hint: "SIGSEGV or SIGABRT point to native code; SIGKILL to somebody outside, such as a system short of memory.",
        details: { signal: death.signal },
      });
    case "out_of_memory": {
      const limit = memoryLimit === undefined ? "V8's own limit" : `its memoryLimit of ${memoryLimit} bytes`;
      return report("out_of_memory", `The handler's ${kind} ran out of memory, under ${limit}.`, {
        hint: "Let the handler hold less at a time, or raise memoryLimit.",
        details: { memoryLimit },
      });
    }
    default:
      return report("crashed", `The handler's ${kind} failed: ${text(death.error)}.`, { cause: death.error });
  }
}

/** Says what a handler did outside its promise. */
export function reportFault(outcome: "unhandled_rejection" | "crashed", cause: unknown): DeathReport {
  return outcome === "crashed"
    ? report("crashed", `An exception was thrown outside the handler's promise: ${text(cause)}.`, {
        hint: "Catch it where it is thrown, such as in a timer or an event listener.",
        cause,
      })
    : report("unhandled_rejection", `A promise was rejected and nobody handled it: ${text(cause)}.`, {
        hint: "Await every promise that the handler starts.",
        cause,
      });
}

function report(
  outcome: Outcome,
  message: string,
  more: { hint?: string; cause?: unknown; details?: Readonly<Record<string, unknown>> },
): DeathReport {
  return { outcome, error: new QueuackError("QUEUACK_HANDLER_DIED", { message, ...more }) };
}

function text(thrown: unknown): string {
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
}

import { ownFile } from "../../core/own-file.ts";
import type { FromChild, ToChild } from "./wire.ts";

/** A thread or process that runs handlers, one at a time. */
export interface Executor {
  send(message: ToChild): void;
  /** Ends it at once, whatever it does; `died` follows when it is gone. */
  kill(): void;
  /** Forgets what it has printed, so that the next death is explained by its own run. */
  forget(): void;
}

/** What an executor tells. */
export interface ExecutorListener {
  heard(message: FromChild): void;
  /** It is gone; the last that is heard of it. */
  died(death: Death): void;
}

/** How an executor died. */
export type Death =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signal"; readonly signal: string }
  | { readonly kind: "out_of_memory" }
  /** It never ran. */
  | { readonly kind: "unstarted"; readonly error: unknown }
  /** An exception that nobody caught, before the program of the executor could hear of it. */
  | { readonly kind: "threw"; readonly error: unknown };

/** The program of both kinds. */
export const childProgram = ownFile("worker/isolation/child.js");

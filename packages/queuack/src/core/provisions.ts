import { QueuackError } from "./errors.ts";
import type { Provided } from "./provided.ts";

/** Asked for by the language and by what prints objects, never by a handler. */
const neverMeant: readonly PropertyKey[] = ["then", "toJSON", "constructor"];

/** What an application has registered, by name: grows, and is read live through one view. */
export class Provisions {
  readonly #values: Record<string, unknown> = Object.create(null);
  /** What handlers get: asking for what is not there throws `QUEUACK_NOT_PROVIDED`; `"db" in provided` asks whether it is. */
  readonly view: Provided;

  constructor() {
    this.view = new Proxy(this.#values, {
      get: (values, key) => {
        if (typeof key === "symbol" || key in values) return values[key as string];
        if (neverMeant.includes(key)) return undefined;
        throw new QueuackError("QUEUACK_NOT_PROVIDED", {
          message: `Nobody has provided ${JSON.stringify(key)}.`,
          details: { key, provided: Object.keys(values) },
        });
      },
      // Assignments come to this as well.
      defineProperty: () => false,
      deleteProperty: () => false,
    }) as Provided;
  }

  /** Registers values, all or none. @throws {QueuackError} `QUEUACK_NOT_ALLOWED` where there is one of that name */
  add(values: Readonly<Record<string, unknown>>): void {
    const taken = Object.keys(values).find((key) => key in this.#values);
    if (taken !== undefined) {
      throw new QueuackError("QUEUACK_NOT_ALLOWED", {
        message: `${JSON.stringify(taken)} is provided already.`,
        hint: "Provide each thing once, under a name of its own.",
      });
    }
    Object.assign(this.#values, values);
  }
}

/** The view of an application that has registered nothing. */
export const nothingProvided: Provided = new Provisions().view;

import type { QueuackError } from "../core/errors.ts";

/** The abort of an attempt: why it was told to stop, and its signal, which is made only when somebody asks for it. */
export class Abort {
  #controller: AbortController | undefined;
  #reason: QueuackError | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#reason !== undefined) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Whether anybody has taken the signal, and may have stopped halfway because of it. */
  get heeded(): boolean {
    return this.#controller !== undefined;
  }

  get reason(): QueuackError | undefined {
    return this.#reason;
  }

  /** Aborts, once; answers whether this was the first time. */
  because(reason: QueuackError): boolean {
    if (this.#reason !== undefined) return false;
    this.#reason = reason;
    this.#controller?.abort(reason);
    return true;
  }

  /** What a handler hears that goes on after its attempt is over: an error if it was told to stop. */
  tooLate(): Promise<void> {
    if (this.#reason === undefined) return Promise.resolve();
    const rejected = Promise.reject(this.#reason);
    // Whoever awaits it hears of it; whoever doesn't has asked for no answer, and it must not end the process.
    rejected.catch(() => undefined);
    return rejected;
  }
}

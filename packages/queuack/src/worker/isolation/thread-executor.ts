import { Worker } from "node:worker_threads";
import { childProgram, type Death, type Executor, type ExecutorListener } from "./executor.ts";
import type { FromChild, ToChild } from "./wire.ts";

/**
 * A thread that runs handlers. What it prints goes to this process's own streams.
 * Should native code crash in it, the whole process does: nothing can be done about that here.
 */
export class ThreadExecutor implements Executor {
  readonly #thread: Worker;

  constructor(memoryLimit: number | undefined, listener: ExecutorListener) {
    const limits = memoryLimit === undefined ? {} : { maxOldGenerationSizeMb: Math.floor(memoryLimit / 1_048_576) };
    const thread = new Worker(childProgram, { resourceLimits: limits });
    // A running worker has a handle of its own; an idle thread is no reason to live on.
    thread.unref();
    let failure: Death | undefined;
    thread.on("message", (message: FromChild) => listener.heard(message));
    thread.on("error", (error: NodeJS.ErrnoException) => {
      failure = error?.code === "ERR_WORKER_OUT_OF_MEMORY" ? { kind: "out_of_memory" } : { kind: "threw", error };
    });
    thread.on("exit", (code) => listener.died(failure ?? { kind: "exited", code }));
    this.#thread = thread;
  }

  send(message: ToChild): void {
    this.#thread.postMessage(message);
  }

  kill(): void {
    void this.#thread.terminate();
  }

  forget(): void {
    // A thread's death comes with its cause; nothing printed is needed.
  }
}

import type { EnqueueMiddleware, Middleware, RunMiddleware } from "../core/middleware.ts";
import { invalid, refuseOther, shown } from "./settings.ts";

/** The middleware of a connection, in the order added: the first is outermost. Read live by enqueueing and by workers. */
export class MiddlewareList {
  // New lists for every change: what walks through one now is not disturbed.
  enqueue: readonly EnqueueMiddleware[] = [];
  run: readonly RunMiddleware[] = [];

  /** Adds middleware; returns the way to take it out. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
  add(middleware: Middleware): () => void {
    refuseOther(middleware, "Middleware", ["enqueue", "run"]);
    for (const [name, part] of Object.entries(middleware)) {
      if (part !== undefined && typeof part !== "function")
        throw invalid(`${name} of a middleware is ${shown(part)}.`, "Give a function.");
    }
    // Wrapped, so that what is added twice is taken out once.
    const { enqueue, run } = middleware;
    const ownEnqueue: EnqueueMiddleware | undefined = enqueue && ((submission, next) => enqueue(submission, next));
    const ownRun: RunMiddleware | undefined = run && ((context, next) => run(context, next));
    if (ownEnqueue !== undefined) this.enqueue = [...this.enqueue, ownEnqueue];
    if (ownRun !== undefined) this.run = [...this.run, ownRun];
    return () => {
      this.enqueue = this.enqueue.filter((each) => each !== ownEnqueue);
      this.run = this.run.filter((each) => each !== ownRun);
    };
  }
}

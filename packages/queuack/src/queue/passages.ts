import { QueuackError } from "../core/errors.ts";
import type { NewJob } from "../core/job.ts";
import type { AcceptedSubmission, EnqueueMiddleware, JobSubmission, SubmissionChange } from "../core/middleware.ts";
import { invalid, shown } from "./settings.ts";

/** One submission within its middleware: `next` has been called and waits for the commit. */
interface Passage {
  readonly accept: (accepted: AcceptedSubmission) => void;
  readonly refuse: (error: unknown) => void;
  /** Settles when the outermost middleware has ended. */
  readonly ended: Promise<unknown>;
}

/**
 * The way of the submissions of one call through the middleware. Each goes in by itself, one after the other; when all
 * have come out at the inner end they are committed together, and then every `next` resolves.
 */
export class Passages {
  readonly #middleware: readonly EnqueueMiddleware[];
  readonly #passages: Passage[] = [];
  #told = 0;

  constructor(middleware: readonly EnqueueMiddleware[]) {
    this.#middleware = middleware;
  }

  /**
   * Leads a submission in; resolves to its row once the innermost `next` was called.
   * @param row makes the row of what has become of the submission
   * @throws what a middleware or `row` throws; `QUEUACK_NOT_ALLOWED` where a middleware ends without `next`
   */
  enter(submission: JobSubmission, row: (submission: JobSubmission) => NewJob | Promise<NewJob>): Promise<NewJob> {
    return new Promise<NewJob>((resolve, reject) => {
      const { promise: commit, resolve: accept, reject: refuse } = deferred<AcceptedSubmission>();
      const core: Core = {
        arrived: false,
        failure: undefined,
        commit,
        async enter(changed) {
          this.arrived = true;
          try {
            resolve(await row(changed));
          } catch (error) {
            reject(error);
            refuse(error);
          }
        },
      };
      const ended = around(this.#middleware, submission, core);
      // Without effect once the row is there. A middleware that swallows why an inner one refused has no job all the same.
      ended.then(() => core.arrived || reject(core.failure ?? endedEarly(submission.task)), reject);
      this.#passages.push({ accept, refuse, ended });
    });
  }

  /** Tells the next submissions, in order, that they are committed. */
  accepted(jobs: readonly AcceptedSubmission[]): void {
    for (const { id, duplicate } of jobs) this.#passages[this.#told++]?.accept({ id, duplicate });
  }

  /** Tells all others that they are not; resolves when every middleware has ended. */
  async refused(error: unknown): Promise<void> {
    for (const { refuse } of this.#passages.slice(this.#told)) refuse(error);
    await Promise.allSettled(this.#passages.map(({ ended }) => ended));
  }

  /** Resolves when every middleware has ended. @throws what the first of them threw after the commit */
  async ended(): Promise<void> {
    await Promise.all(this.#passages.map(({ ended }) => ended));
  }
}

/** What the middleware is around. */
interface Core {
  arrived: boolean;
  /** What the innermost middleware that failed has thrown. */
  failure: unknown;
  readonly commit: Promise<AcceptedSubmission>;
  enter(submission: JobSubmission): Promise<void>;
}

/** Calls the first middleware around the others, and those around the core. */
async function around(
  [first, ...others]: readonly EnqueueMiddleware[],
  submission: JobSubmission,
  core: Core,
): Promise<void> {
  if (first === undefined) return await core.enter(submission);
  let called = false;
  await first(submission, (change) => {
    const next = async () => {
      if (called) throw calledTwice();
      called = true;
      await around(others, changed(submission, change), core);
      return await core.commit;
    };
    const accepted = next();
    // Whoever awaits it hears of it; the call fails for it either way, and it must not end the process.
    accepted.catch((error) => {
      core.failure ??= error;
    });
    return accepted;
  });
}

function changed(submission: JobSubmission, change: SubmissionChange | undefined): JobSubmission {
  if (change === undefined) return submission;
  if (typeof change !== "object" || change === null) {
    throw invalid(`A middleware called next() with ${shown(change)}.`, "Give { input, options }, or nothing.");
  }
  const { input, options = {} } = { ...submission, ...change };
  return { ...submission, input, options };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((accept, refuse) => {
    resolve = accept;
    reject = refuse;
  });
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

function endedEarly(task: string): QueuackError {
  return new QueuackError("QUEUACK_NOT_ALLOWED", {
    message: `An enqueue middleware ended without calling next() for a job of ${task}.`,
    hint: "Call next(), or throw to refuse the job.",
  });
}

function calledTwice(): QueuackError {
  return new QueuackError("QUEUACK_NOT_ALLOWED", {
    message: "An enqueue middleware called next() twice.",
    hint: "Call it once: a submission is one job.",
  });
}

/** Every error code of Queuack, with what to do about it when the thrower has nothing better to say. */
export const errorCatalogue = {
  QUEUACK_INVALID_URL: "Use a path such as jobs.db, sqlite:path or :memory:.",
  QUEUACK_INVALID_OPTION: "Look the option up in the documentation of the call.",
  QUEUACK_INVALID_TASK: "Define the task with task({ name, run }) and give it a name of its own.",
  QUEUACK_INVALID_INPUT: "Mend the input as the issues say, or the schema of the task.",
  QUEUACK_NOT_STORABLE:
    'Give plain JSON data: no functions, cycles, BigInt or class instances. codec: "structured" takes more.',
  QUEUACK_PAYLOAD_TOO_LARGE: "Store large data elsewhere and enqueue where it lies, or raise payloadLimit.",
  QUEUACK_INVALID_RESULT: "Return from the handler what the codec of the task can store: plain JSON data by default.",
  QUEUACK_UNKNOWN_CODEC: "Give the codec to this connection: connect(url, { codecs: [codec] }).",
  QUEUACK_CODEC_FAILED: "See the cause: another key or version of the codec may have written it, or it is damaged.",
  QUEUACK_NOT_PROVIDED: "Register it with q.provide() before jobs run, or with connect(url, { provide }).",
  QUEUACK_UNKNOWN_TASK: "Give the task to the worker that should run it: q.worker({ tasks: [task] }).",
  QUEUACK_UNKNOWN_MODULE: "Name the file with its ending, such as src/tasks.ts.",
  QUEUACK_UNKNOWN_JOB: "Check the id; a job past its retention is deleted.",
  QUEUACK_QUEUE_FULL: 'Let workers catch up, raise the limit, or choose onLimit: "wait".',
  QUEUACK_DUPLICATE_JOB: 'Use the job that is there, or choose another onConflict: "ignore", "replace", "reschedule".',
  QUEUACK_INVALID_TRANSACTION: "Give your own connection to the queue's database file, with an open transaction.",
  QUEUACK_LEASE_LOST: "Another worker may run the job now; stop and drop the result.",
  QUEUACK_JOB_FAILED: "Inspect the attempts of the job; retry it when the cause is mended.",
  QUEUACK_JOB_CANCELLED: "The job was cancelled; enqueue it again if it is still wanted.",
  QUEUACK_RESULT_TIMEOUT: "Wait longer, or see whether a worker with this task is running.",
  QUEUACK_ATTEMPT_TIMEOUT: "Raise the timeout of the task, or heed its abort signal sooner.",
  QUEUACK_WORKER_LOST: "The worker died while it ran the job; see its own log.",
  QUEUACK_PROCESS_FAILED: "See what the process wrote to stderr before it ended.",
  QUEUACK_NOT_ALLOWED: "See the states from which the operation is possible.",
  QUEUACK_WORKER_STOPPING: "Stop and drop the result: the job goes back to the queue, and the attempt does not count.",
  QUEUACK_CALL_TIMEOUT:
    "The call may have taken effect all the same: enqueue with an id of your own to repeat it safely, or raise the timeout.",
  QUEUACK_CLOSED: "The queue was closed; connect again.",
  QUEUACK_MEMORY_MOVED: 'Give connect() a file, such as "jobs.db", if jobs are to outlive this process.',
  QUEUACK_STORE_BUSY: "Another process holds the database for long; see what it does.",
  QUEUACK_STORE_FAILED: "See the cause; the database may be damaged, full or read-only.",
  QUEUACK_STORE_VERSION: "Upgrade Queuack, or open the database with the release that wrote it.",
  QUEUACK_NETWORK_FILE_SYSTEM: "Put the database on a local disk; SQLite can't lock reliably over a network.",
  QUEUACK_UNSUPPORTED: "See the capabilities of the store or broker.",
  QUEUACK_MISSING_PACKAGE: "Install the package that the message names.",
  QUEUACK_NEVER_IDLE: "See whether jobs follow each other for ever; if there are just many, raise limit.",
  QUEUACK_WORKER_TROUBLE: "Mend what the message and the cause name.",
  QUEUACK_INVALID_CONFIG: "Mend the configuration file where the message points.",
} as const;

/** A stable code that names what went wrong. */
export type ErrorCode = keyof typeof errorCatalogue;

/** The error that Queuack throws: a stable code, what happened, and what to do next. */
export class QueuackError extends Error {
  override readonly name: string = "QueuackError";
  readonly code: ErrorCode;
  /** What to do next. */
  readonly hint: string;
  /** Facts of the case, for programs. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    options: { message: string; hint?: string; cause?: unknown; details?: Readonly<Record<string, unknown>> },
  ) {
    const hint = options.hint ?? errorCatalogue[code];
    super(`${options.message} ${hint}`, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = hint;
    this.details = options.details ?? {};
  }
}

/** Thrown by a handler when another attempt is pointless: the job goes to the dead letter queue at once. */
export class NonRetryableError extends Error {
  override readonly name: string = "NonRetryableError";
}

/** Thrown by a handler to fail the attempt and choose the delay before the next one. */
export class RetryAfter extends Error {
  override readonly name: string = "RetryAfter";
  /** Milliseconds, or a duration such as `"10m"`. */
  readonly delay: number | string;

  constructor(delay: number | string, message = `asked to be retried after ${delay}`, options?: ErrorOptions) {
    super(message, options);
    this.delay = delay;
  }
}

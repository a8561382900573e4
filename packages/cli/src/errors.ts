import type { ErrorCode } from "queuack";

/** The exit codes of every command; `queuack --help` lists them. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  jobFailed: 4,
  timedOut: 5,
  tryLater: 6,
} as const;

/** A number that the process may end with. */
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

const codesOfLibrary: Partial<Record<ErrorCode, ExitCode>> = {
  QUEUACK_INVALID_URL: exitCodes.usage,
  QUEUACK_INVALID_OPTION: exitCodes.usage,
  QUEUACK_INVALID_CONFIG: exitCodes.usage,
  QUEUACK_INVALID_TASK: exitCodes.usage,
  QUEUACK_INVALID_INPUT: exitCodes.usage,
  QUEUACK_NOT_STORABLE: exitCodes.usage,
  QUEUACK_PAYLOAD_TOO_LARGE: exitCodes.usage,
  QUEUACK_UNKNOWN_JOB: exitCodes.notFound,
  QUEUACK_UNKNOWN_MODULE: exitCodes.notFound,
  QUEUACK_JOB_FAILED: exitCodes.jobFailed,
  QUEUACK_JOB_CANCELLED: exitCodes.jobFailed,
  QUEUACK_RESULT_TIMEOUT: exitCodes.timedOut,
  QUEUACK_DUPLICATE_JOB: exitCodes.tryLater,
  QUEUACK_QUEUE_FULL: exitCodes.tryLater,
  QUEUACK_STORE_BUSY: exitCodes.tryLater,
};

/** An error of the command line itself: what happened, what to do next, and the exit code. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  readonly code: ErrorCode | undefined;

  constructor(
    exitCode: ExitCode,
    message: string,
    options: { readonly hint?: string; readonly code?: ErrorCode; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
    this.hint = options.hint;
    this.code = options.code;
  }
}

/** A command that was put wrongly (exit code 2). */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(exitCodes.usage, message, hint === undefined ? {} : { hint });
}

/** What anything that was thrown means to the person at the terminal. */
export interface Report {
  readonly exitCode: ExitCode;
  readonly message: string;
  readonly hint: string | undefined;
  /** `QUEUACK_…` where there is one. */
  readonly code: string | undefined;
  /** Messages of the causes, nearest first. */
  readonly causes: readonly string[];
}

/** Reads anything that was thrown. */
export function report(thrown: unknown): Report {
  if (!(thrown instanceof Error)) return plain(String(thrown), []);
  const causes = causesOf(thrown);
  if (thrown instanceof CliError) {
    const { exitCode, message, hint, code } = thrown;
    return { exitCode, message, hint, code, causes };
  }
  const { code, hint } = thrown as { code?: unknown; hint?: unknown };
  // By its name, for a module of the user's may bring another copy of the library.
  if (thrown.name === "QueuackError" && typeof code === "string" && typeof hint === "string") {
    const message = thrown.message.endsWith(hint) ? thrown.message.slice(0, -hint.length).trim() : thrown.message;
    const exitCode = codesOfLibrary[code as ErrorCode] ?? exitCodes.failure;
    return { exitCode, message, hint, code, causes };
  }
  if (typeof code === "string" && code.startsWith("commander.")) {
    const message = thrown.message.replace(/^error: /, "");
    return {
      exitCode: exitCodes.usage,
      message,
      hint: "Add --help to see what it takes.",
      code: undefined,
      causes: [],
    };
  }
  return plain(thrown.message, causes);
}

/** A report as lines for a terminal, or as one JSON document. */
export function reportText(read: Report, format: "text" | "json"): string {
  const { message, hint, code, causes, exitCode } = read;
  if (format === "json") return JSON.stringify({ error: { code, message, hint, causes, exitCode } });
  return [
    `error: ${message}${code === undefined ? "" : ` (${code})`}`,
    ...causes.filter((cause) => !message.includes(cause)).map((cause) => `cause: ${cause}`),
    ...(hint === undefined ? [] : [` hint: ${hint}`]),
  ].join("\n");
}

function plain(message: string, causes: readonly string[]): Report {
  return { exitCode: exitCodes.failure, message, hint: undefined, code: undefined, causes };
}

function causesOf(error: Error): string[] {
  const causes: string[] = [];
  // A cause may lead back to itself.
  for (let cause = error.cause; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    causes.push(cause.message);
  }
  return causes;
}

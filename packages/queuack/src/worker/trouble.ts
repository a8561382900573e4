/** Something that went wrong beside the jobs: the worker goes on, and tells. */
export interface WorkerTrouble {
  /** What the worker was doing. `retry-policy`: a `retryIf` or `backoff` function failed. `slots`: handlers don't end. */
  readonly during:
    | "register"
    | "deregister"
    | "beat"
    | "claim"
    | "settle"
    | "renew"
    | "report"
    | "retry-policy"
    | "slots"
    | "cache";
  readonly message: string;
  readonly error?: unknown;
  /** Ids of the jobs concerned. */
  readonly jobs?: readonly string[] | undefined;
}

/** Where trouble is told. */
export type OnTrouble = (trouble: WorkerTrouble) => void;

/** Tells trouble as a warning of the process, for those who gave no `onError`. */
export function warnOfTrouble({ during, message, error }: WorkerTrouble): void {
  const detail = error === undefined ? "" : ` ${error instanceof Error ? error.message : String(error)}`;
  process.emitWarning(`${message}${detail}`, {
    type: "QueuackWarning",
    code: `QUEUACK_WORKER_${during.toUpperCase()}`,
  });
}

/** Makes a user's hook safe: if it throws, both its error and the trouble become warnings. */
export function guarded(hook: OnTrouble): OnTrouble {
  return (trouble) => {
    try {
      hook(trouble);
    } catch (error) {
      warnOfTrouble(trouble);
      warnOfTrouble({ during: trouble.during, message: "The worker's onError hook threw.", error });
    }
  };
}

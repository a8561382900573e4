/** What an operator or a user can do to jobs that exist. */
export type JobChange =
  /** A waiting job is cancelled at once; a running one is asked to stop. */
  | { readonly kind: "cancel" }
  /** A final job that did not complete starts a new generation; a retryable one starts now. */
  | { readonly kind: "retry" }
  /** A waiting job is set aside until it is released. */
  | { readonly kind: "hold" }
  /** A held job goes back to where its time puts it. */
  | { readonly kind: "release" }
  /** A waiting job gets a new earliest start: milliseconds since the epoch, or from now. */
  | { readonly kind: "reschedule"; readonly runAt?: number | undefined; readonly delayMs?: number | undefined }
  /** A waiting job gets a new priority, 0–100. */
  | { readonly kind: "prioritize"; readonly priority: number };

/** The words for what became of a job under a change. `conflict`: another job holds its unique key. */
export type ChangeReply = "changed" | "requested" | "unchanged" | "missing" | "conflict";

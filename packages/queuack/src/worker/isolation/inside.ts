/** A name that every copy of Queuack in a thread or process knows: task modules may bring their own. */
const mark = Symbol.for("queuack.isolated");

/** Marks this thread or process as one that runs isolated handlers. */
export function markIsolated(): void {
  (globalThis as { [mark]?: boolean })[mark] = true;
}

/** Whether this is a thread or process that runs isolated handlers. */
export function isIsolated(): boolean {
  return (globalThis as { [mark]?: boolean })[mark] === true;
}

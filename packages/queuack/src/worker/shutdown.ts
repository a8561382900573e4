/** What of the process the signals need. */
export interface SignalSource {
  on(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  off(signal: "SIGTERM" | "SIGINT", listener: () => void): unknown;
  exit(code: number): unknown;
}

/** Exit codes of a process that ends by a signal: 128 and the signal's number. */
const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Listens for SIGTERM and SIGINT. The first calls back; a second one, of either kind, ends the process at once: whoever
 * asks twice does not want to wait. Returns the way to stop listening.
 */
export function onShutdownSignal(source: SignalSource, callback: () => void): () => void {
  let asked = false;
  const hear = (signal: keyof typeof exitCodes) => () => {
    if (asked) source.exit(exitCodes[signal]);
    asked = true;
    callback();
  };
  const onTerm = hear("SIGTERM");
  const onInterrupt = hear("SIGINT");
  source.on("SIGTERM", onTerm);
  source.on("SIGINT", onInterrupt);
  return () => {
    source.off("SIGTERM", onTerm);
    source.off("SIGINT", onInterrupt);
  };
}

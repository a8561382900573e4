/** What happens when whoever reads stdout stops reading, as `head` does. */
let onClosed: () => void = () => process.exit(0);

/** Listens for closed pipes: the process then ends quietly, unless a command has another wish. */
export function watchPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    onClosed();
  });
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    // Remarks that nobody reads are no reason to stop.
    if (error.code !== "EPIPE") throw error;
  });
}

/** Ends in another way when stdout is closed: a worker first finishes its jobs. */
export function whenPipeCloses(listener: () => void): void {
  onClosed = listener;
}

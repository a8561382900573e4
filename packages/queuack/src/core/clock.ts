/** Where time comes from: the host's by default, a fake one in tests. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after `ms` milliseconds, unless the returned function is called first. Never keeps a process alive. */
  timer(ms: number, callback: () => void): () => void;
}

/** A worker as it introduces itself. */
export interface WorkerInfo {
  /** Unique: made anew by every worker. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly tasks: readonly string[];
  readonly queues: readonly string[];
  /** The only tenant whose jobs it runs; absent: of every one. */
  readonly tenant?: string | undefined;
  readonly concurrency: number;
}

/** How a worker fares. */
export interface WorkerVitals {
  readonly running: number;
  /** Share of one core since the last beat, 0 … number of cores. */
  readonly cpu: number;
  /** Resident set size, bytes. */
  readonly memoryBytes: number;
  /** 99th percentile of the event loop's delay since the last beat, milliseconds. */
  readonly loopDelayMs: number;
}

/** A worker as others see it. */
export interface WorkerRecord extends WorkerInfo {
  readonly state: "running" | "stopped" | "dead";
  readonly startedAt: number;
  readonly beatAt: number;
  readonly vitals: WorkerVitals | null;
}

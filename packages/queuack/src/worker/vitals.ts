import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { WorkerVitals } from "../core/worker-record.ts";

/** How often the event loop's delay is sampled, milliseconds: rarely, so that an idle worker stays idle. */
const resolutionMs = 100;

/** Measures how a worker's process fares. Real time throughout, since that is what the operating system counts in. */
export class VitalsProbe {
  #delay: IntervalHistogram | null = null;
  #cpu = process.cpuUsage();
  #readAt = performance.now();

  start(): void {
    this.#delay = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#delay.enable();
    this.#cpu = process.cpuUsage();
    this.#readAt = performance.now();
  }

  /** The figures since the last reading. */
  read(running: number): WorkerVitals {
    const now = performance.now();
    const { user, system } = process.cpuUsage(this.#cpu);
    const elapsedMs = Math.max(1, now - this.#readAt);
    this.#cpu = process.cpuUsage();
    this.#readAt = now;
    // The histogram holds the whole time between two samples, of which only what exceeds the interval is delay.
    const p99 = this.#delay === null || this.#delay.count === 0 ? 0 : this.#delay.percentile(99) / 1e6;
    this.#delay?.reset();
    return {
      running,
      cpu: (user + system) / 1e3 / elapsedMs,
      memoryBytes: process.memoryUsage.rss(),
      loopDelayMs: Math.max(0, p99 - resolutionMs),
    };
  }

  stop(): void {
    this.#delay?.disable();
    this.#delay = null;
  }
}

import type { BatchRecord } from "../core/batch.ts";

/** A batch as it is shown. Members are jobs and other batches. */
export interface BatchView
  extends Omit<BatchRecord, "createdAt" | "completedAt" | "succeededAt" | "cancelledAt" | "sealed"> {
  /** Members that completed or were skipped. */
  readonly completed: number;
  /** How much of it is over, from 0 to 1, whether it went well or not. */
  readonly progress: number;
  /** Whether its jobs are all in: `false` while it is submitted in several steps. */
  readonly sealed: boolean;
  readonly createdAt: Date;
  /** When all members were final for the first time. */
  readonly completedAt: Date | null;
  /** When all members were final and none had failed, for the first time. */
  readonly succeededAt: Date | null;
  /** When it was cancelled: it takes no more jobs. */
  readonly cancelledAt: Date | null;
}

/** A batch for people. */
export function batchView(batch: BatchRecord): BatchView {
  const date = (ms: number | null) => (ms === null ? null : new Date(ms));
  const { total, open, failed, sealed } = batch;
  return {
    ...batch,
    completed: total - open - failed,
    progress: total === 0 ? Number(sealed) : (total - open) / total,
    createdAt: new Date(batch.createdAt),
    completedAt: date(batch.completedAt),
    succeededAt: date(batch.succeededAt),
    cancelledAt: date(batch.cancelledAt),
  };
}

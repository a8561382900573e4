import { describe, expect, test } from "vitest";
import type { AbandonedLease } from "../../storage/store.ts";
import { rescue } from "./rescue.ts";

const lease: AbandonedLease = {
  token: 7,
  id: "job",
  attempt: 1,
  maxAttempts: 3,
  retry: null,
  cancelRequested: false,
  worker: "w1",
  reason: "dead",
};

describe("a job whose worker is gone", () => {
  test("is tried again by its declarative policy: no user code is needed", () => {
    expect(rescue(lease, 0.5)).toEqual({
      token: 7,
      id: "job",
      to: "retryable",
      delayMs: 500,
      outcome: "crashed",
      error: {
        name: "WorkerLostError",
        message: "Worker w1 died while it ran the job.",
        code: "QUEUACK_WORKER_LOST",
      },
    });
    const retry = { backoff: "fixed", baseMs: 9_000, capMs: 60_000, factor: 1, jitter: "none" } as const;
    expect(rescue({ ...lease, retry }, 0.5)).toMatchObject({ delayMs: 9_000 });
  });

  test("ends in the dead letter queue after its last attempt", () => {
    expect(rescue({ ...lease, attempt: 3 }, 0.5)).toMatchObject({ to: "discarded", outcome: "crashed" });
  });

  test("is cancelled if somebody wanted that", () => {
    expect(rescue({ ...lease, cancelRequested: true }, 0.5)).toEqual({ token: 7, id: "job", to: "cancelled" });
  });

  test("says whether the worker died or fell silent, even one that nobody knows", () => {
    expect(rescue({ ...lease, reason: "silent", worker: null }, 0)).toMatchObject({
      error: { message: "Worker unknown let the lease run out." },
    });
  });
});

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { systemClock } from "./system-clock.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a delay longer than setTimeout understands is waited for in full", () => {
  const called = vi.fn();
  const month = 30 * 86_400_000;
  systemClock.timer(month, called);
  vi.advanceTimersByTime(month - 1);
  expect(called).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(called).toHaveBeenCalledOnce();
});

test("a long delay can be cancelled on its second leg", () => {
  const called = vi.fn();
  const month = 30 * 86_400_000;
  const cancel = systemClock.timer(month, called);
  vi.advanceTimersByTime(month - 1);
  cancel();
  vi.advanceTimersByTime(month);
  expect(called).not.toHaveBeenCalled();
});

import type { Clock } from "../core/clock.ts";

/** The longest delay that `setTimeout` understands, milliseconds; it fires anything longer at once. */
const longestDelayMs = 2_147_483_647;

/**
 * The host's own clock. Its timers follow the host's monotonic time, so a step of the wall clock moves none of them,
 * and none of them keeps the process alive: whoever must (a running worker) holds a handle of its own.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  timer(ms, callback) {
    if (ms <= longestDelayMs) {
      const timer = setTimeout(callback, ms);
      timer.unref();
      return () => clearTimeout(timer);
    }
    let cancel = systemClock.timer(longestDelayMs, () => {
      cancel = systemClock.timer(ms - longestDelayMs, callback);
    });
    return () => cancel();
  },
};

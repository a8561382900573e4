import { describe, expect, test } from "vitest";
import { task } from "../core/task.ts";
import { connect } from "../queue/connect.ts";
import { FakeClock } from "./fake-clock.ts";

describe("FakeClock", () => {
  test("stands still until it is advanced", async () => {
    const clock = new FakeClock({ start: 1_000 });
    expect(clock.now()).toBe(1_000);
    await clock.advance("2s");
    expect(clock.now()).toBe(3_000);
  });

  test("fires timers in order, each at its own time, and those set on the way", async () => {
    const clock = new FakeClock({ start: 0 });
    const fired: [string, number][] = [];
    clock.timer(30, () => fired.push(["c", clock.now()]));
    clock.timer(10, () => {
      fired.push(["a", clock.now()]);
      clock.timer(10, () => fired.push(["b", clock.now()]));
    });
    clock.timer(30, () => fired.push(["d", clock.now()]));
    clock.timer(31, () => fired.push(["late", clock.now()]));
    await clock.advance(30);
    expect(fired).toEqual([
      ["a", 10],
      ["b", 20],
      ["c", 30],
      ["d", 30],
    ]);
    expect(clock.pending).toBe(1);
  });

  test("lets what a timer sets off come to rest before it goes on", async () => {
    const clock = new FakeClock({ start: 0 });
    const seen: number[] = [];
    clock.timer(10, async () => {
      for (let turn = 0; turn < 20; turn++) {
        await new Promise<void>((resolve) => setImmediate(resolve));
        clock.now();
      }
      seen.push(clock.now());
    });
    clock.timer(11, () => seen.push(clock.now()));
    await clock.advance(100);
    expect(seen).toEqual([10, 11]);
  });

  test("a timer that is cancelled doesn't fire", async () => {
    const clock = new FakeClock();
    let fired = false;
    const cancel = clock.timer(5, () => {
      fired = true;
    });
    cancel();
    cancel();
    await clock.advance(10);
    expect(fired).toBe(false);
    expect(clock.pending).toBe(0);
  });

  test("setting the date moves the time of day, and no timer", async () => {
    const clock = new FakeClock({ start: 0 });
    let firedAt: number | undefined;
    clock.timer(100, () => {
      firedAt = clock.now();
    });
    clock.set(new Date(1_000_000));
    await clock.advance(99);
    expect(firedAt).toBeUndefined();
    await clock.advance(1);
    expect(firedAt).toBe(1_000_100);
    clock.set(5);
    expect(clock.now()).toBe(5);
  });

  test("can be told how to settle", async () => {
    const settled: number[] = [];
    const clock = new FakeClock({ start: 0, settle: async () => void settled.push(clock.now()) });
    clock.timer(3, () => undefined);
    await clock.advance(10);
    expect(settled).toEqual([0, 3]);
  });

  test("refuses to be advanced twice at a time, and invalid dates", async () => {
    const clock = new FakeClock();
    const first = clock.advance(1);
    await expect(clock.advance(1)).rejects.toThrow(expect.objectContaining({ code: "QUEUACK_NOT_ALLOWED" }));
    await first;
    expect(() => clock.set(new Date("never"))).toThrow(expect.objectContaining({ code: "QUEUACK_INVALID_OPTION" }));
  });

  test("an error of a timer's callback reaches the test", async () => {
    const clock = new FakeClock();
    clock.timer(1, () => {
      throw new Error("mistake");
    });
    await expect(clock.advance(1)).rejects.toThrow("mistake");
    await clock.advance(1);
  });
});

describe("with a queue and its worker", () => {
  test("moves delays and retries: each happens at its own time", async () => {
    const clock = new FakeClock({ start: 0 });
    await using q = await connect(":memory:", { clock });
    const ran: [string, number][] = [];
    const flaky = task({
      name: "flaky",
      retry: { maxAttempts: 3, backoff: "fixed", delay: "30s", jitter: "none" },
      run: ({ input, attempt }: { input: string; attempt: number }) => {
        ran.push([input, clock.now()]);
        if (attempt < 3) throw new Error("not yet");
      },
    });
    await q.worker({ tasks: [flaky] }).start();
    const now = await q.enqueue(flaky, "now");
    const later = await q.enqueue(flaky, "later", { delay: "45s" });
    await clock.advance(0);
    expect(ran).toEqual([["now", 0]]);
    await clock.advance("29.9s");
    expect(ran).toHaveLength(1);
    await clock.advance("20.1s");
    expect(ran).toEqual([
      ["now", 0],
      ["now", 30_000],
      ["later", 45_000],
    ]);
    await clock.advance("55s");
    expect(ran.slice(3)).toEqual([
      ["now", 60_000],
      ["later", 75_000],
      ["later", 105_000],
    ]);
    for (const job of [now, later]) expect((await job.get()).state).toBe("completed");
  });

  test("moves timeouts", async () => {
    const clock = new FakeClock({ start: 0 });
    await using q = await connect(":memory:", { clock });
    const slow = task({
      name: "slow",
      timeout: "1m",
      retry: { maxAttempts: 1 },
      run: ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
    });
    await q.worker({ tasks: [slow] }).start();
    const job = await q.enqueue(slow, undefined);
    await clock.advance("59s");
    expect((await job.get()).state).toBe("running");
    await clock.advance("1s");
    expect(await job.get()).toMatchObject({ state: "discarded", outcome: "timed_out", finishedAt: new Date(60_000) });
  });
});

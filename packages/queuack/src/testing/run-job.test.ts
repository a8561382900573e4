import { describe, expect, test } from "vitest";
import { z } from "zod";
import { RetryAfter } from "../core/errors.ts";
import { task } from "../core/task.ts";
import { runJob } from "./run-job.ts";

const resize = task({
  name: "resize",
  queue: "images",
  retry: { maxAttempts: 4 },
  input: z.object({ path: z.string(), width: z.coerce.number().default(100) }),
  run: async ({ input, progress, log, enqueue, attempt }) => {
    await progress(0.5);
    await progress({ step: "half" });
    log("resized", { width: input.width });
    log.warn("slow");
    await enqueue(mail, { to: "ada" }, { delay: "1h" });
    await enqueue("index");
    return { ...input, attempt, at: new Date(0), nothing: undefined };
  },
});

const mail = task({ name: "mail", input: z.object({ to: z.string() }), run: () => undefined });

test("gives the result as it would be stored, and what the handler did beside it", async () => {
  const run = await runJob(resize, { path: "a.png", width: "300" }, { attempt: 2 });
  expect(run).toStrictEqual({
    outcome: "completed",
    result: { path: "a.png", width: 300, attempt: 2, at: "1970-01-01T00:00:00.000Z" },
    progress: [0.5, { step: "half" }],
    logs: [
      { level: "info", message: "resized", data: { width: 300 } },
      { level: "warn", message: "slow", data: undefined },
    ],
    enqueued: [
      { id: expect.any(String), task: "mail", input: { to: "ada" }, options: { delay: "1h" } },
      { id: expect.any(String), task: "index", input: undefined, options: {} },
    ],
  });
});

test("shows the handler a job like that of a worker", async () => {
  const show = task({
    name: "show",
    queue: "images",
    priority: "low",
    run: ({ job, attempt }) => ({ ...job, attempt }),
  });
  const plain = await runJob(show, null);
  expect(plain.result).toMatchObject({
    tenant: "default",
    queue: "images",
    task: "show",
    priority: 25,
    maxAttempts: 3,
    generation: 1,
    tags: [],
    metadata: null,
    attempt: 1,
  });
  const id = "018f5a1e-0000-7000-8000-000000000000";
  const job = { id, tenant: "acme", tags: ["a"], metadata: { order: 7 }, maxAttempts: 9, priority: 90, queue: "q" };
  expect((await runJob(show, null, { job, attempt: 9 })).result).toMatchObject({ ...job, attempt: 9 });
});

test("throws what the handler throws", async () => {
  const error = new RetryAfter("5m");
  const fails = task({
    name: "fails",
    run: () => {
      throw error;
    },
  });
  await expect(runJob(fails, null)).rejects.toBe(error);
});

test("tells of a snooze and a discard, and what came before", async () => {
  const nap = task({
    name: "nap",
    run: ({ snooze, log }) => {
      log("tired");
      snooze("5m");
    },
  });
  const quit = task({ name: "quit", run: ({ discard }) => discard("gone") });
  expect(await runJob(nap, null)).toMatchObject({ outcome: "snoozed", delayMs: 300_000, logs: [{ message: "tired" }] });
  expect(await runJob(quit, null)).toMatchObject({ outcome: "discarded", reason: "gone" });
});

test("the signal is the test's to abort; without one it never aborts, and a heartbeat is well", async () => {
  const patient = task({
    name: "patient",
    run: async ({ signal, heartbeat }) => {
      await heartbeat();
      signal.throwIfAborted();
    },
  });
  expect((await runJob(patient, null)).outcome).toBe("completed");
  const reason = new Error("stop");
  await expect(runJob(patient, null, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});

describe("refuses", () => {
  test("an input that the schema or JSON refuses, before the handler runs", async () => {
    let ran = false;
    const run = () => {
      ran = true;
    };
    const strict = task({ name: "strict", input: z.object({ n: z.number() }), run });
    await expect(runJob(strict, { n: "1" as unknown as number })).rejects.toMatchObject({
      code: "QUEUACK_INVALID_INPUT",
    });
    await expect(runJob(task({ name: "loose", run }), { n: 1n })).rejects.toMatchObject({
      code: "QUEUACK_NOT_STORABLE",
    });
    expect(ran).toBe(false);
  });

  test("a result or progress that could not be stored", async () => {
    const result = task({ name: "result", run: () => new Map() });
    await expect(runJob(result, null)).rejects.toMatchObject({ code: "QUEUACK_INVALID_RESULT" });
    const progress = task({ name: "progress", run: ({ progress }) => progress({ at: 1n }) });
    await expect(runJob(progress, null)).rejects.toMatchObject({ code: "QUEUACK_NOT_STORABLE" });
  });

  test("what the handler enqueues wrongly", async () => {
    const wrongInput = task({ name: "a", run: ({ enqueue }) => enqueue(mail, { to: 1 as unknown as string }) });
    await expect(runJob(wrongInput, null)).rejects.toMatchObject({ code: "QUEUACK_INVALID_INPUT" });
    const wrongOption = task({ name: "b", run: ({ enqueue }) => enqueue(mail, { to: "x" }, { priority: 101 }) });
    await expect(runJob(wrongOption, null)).rejects.toMatchObject({ code: "QUEUACK_INVALID_OPTION" });
  });

  test("options that nobody knows, and an attempt beyond the last", async () => {
    const invalid = { code: "QUEUACK_INVALID_OPTION" };
    await expect(runJob(mail, { to: "x" }, { attempts: 2 } as object)).rejects.toMatchObject(invalid);
    await expect(runJob(mail, { to: "x" }, { job: { delay: 1 } as object })).rejects.toMatchObject(invalid);
    await expect(runJob(mail, { to: "x" }, { attempt: 4 })).rejects.toMatchObject(invalid);
    await expect(runJob(mail, { to: "x" }, { attempt: 0 })).rejects.toMatchObject(invalid);
    const none = undefined as unknown as typeof mail;
    await expect(runJob(none, { to: "x" })).rejects.toMatchObject({ code: "QUEUACK_INVALID_TASK" });
  });
});

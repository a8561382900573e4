import { afterEach, describe, expect, test, vi } from "vitest";
import { connect } from "./connect.ts";
import { environmentOptions, merge } from "./environment.ts";
import { settings } from "./settings.ts";

afterEach(() => void vi.unstubAllEnvs());

describe("the environment sets what connect() was not told", () => {
  test.each<[string, string, object]>([
    ["QUEUACK_DURABILITY", "relaxed", { durability: "relaxed" }],
    ["QUEUACK_TENANT", "acme", { tenant: "acme" }],
    ["QUEUACK_QUEUE", "mail", { queue: "mail" }],
    ["QUEUACK_PRIORITY", "90", { priority: 90 }],
    ["QUEUACK_PRIORITY", "high", { priority: 75 }],
    ["QUEUACK_MAX_ATTEMPTS", "7", { maxAttempts: 7 }],
    ["QUEUACK_TIMEOUT", "2m", { timeoutMs: 120_000 }],
    ["QUEUACK_TIMEOUT", "500", { timeoutMs: 500 }],
    ["QUEUACK_WARN_AT", "10", { backpressure: { warnAt: 10, limit: 1_000_000, onLimit: "refuse" } }],
    ["QUEUACK_LIMIT", "20", { backpressure: { warnAt: 20, limit: 20, onLimit: "refuse" } }],
    ["QUEUACK_ON_LIMIT", "wait", { backpressure: { warnAt: 100_000, limit: 1_000_000, onLimit: "wait" } }],
    ["QUEUACK_RETENTION_COMPLETED", "2d", { retention: { completedMs: 172_800_000, discardedMs: 604_800_000 } }],
    ["QUEUACK_RETENTION_DISCARDED", "1w", { retention: { completedMs: 86_400_000, discardedMs: 604_800_000 } }],
    ["QUEUACK_PAYLOAD_LIMIT", "1000", { payloadLimit: 1_000 }],
  ])("%s=%s", (variable, text, expected) => {
    expect(settings(environmentOptions({ [variable]: text }))).toMatchObject(expected);
  });

  test("only what begins with QUEUACK_ is read", () => {
    expect(
      environmentOptions({ PATH: "/bin", QUEUACK: "x", QUEUACK_URL: "jobs.db", QUEUACK_TENANT: undefined }),
    ).toEqual({});
  });

  test("options of connect() go before the environment, and that before the defaults", () => {
    const environment = environmentOptions({ QUEUACK_TENANT: "acme", QUEUACK_LIMIT: "20", QUEUACK_PRIORITY: "high" });
    const read = settings(merge(environment, { tenant: "own", backpressure: { warnAt: 5 } }));
    expect(read).toMatchObject({
      tenant: "own",
      priority: 75,
      queue: "default",
      backpressure: { warnAt: 5, limit: 20, onLimit: "refuse" },
    });
  });

  test("an option that is undefined leaves the environment's word, in groups as well", () => {
    const environment = environmentOptions({
      QUEUACK_TENANT: "acme",
      QUEUACK_MAX_ATTEMPTS: "7",
      QUEUACK_LIMIT: "20",
      QUEUACK_RETENTION_COMPLETED: "2d",
    });
    const silent = {
      tenant: undefined,
      retry: { maxAttempts: undefined },
      backpressure: { limit: undefined },
      retention: { completed: undefined },
    };
    expect(settings(merge(environment, silent))).toEqual(settings(environment));
  });

  test("reaches the jobs", async () => {
    vi.stubEnv("QUEUACK_TENANT", "acme");
    vi.stubEnv("QUEUACK_QUEUE", "mail");
    vi.stubEnv("QUEUACK_PRIORITY", "10");
    vi.stubEnv("QUEUACK_MAX_ATTEMPTS", "7");
    vi.stubEnv("QUEUACK_TIMEOUT", "3s");
    await using q = await connect(":memory:", { priority: "low" });
    const job = await q.enqueue("hello");
    expect(await job.get()).toMatchObject({
      tenant: "acme",
      queue: "mail",
      priority: 25,
      maxAttempts: 7,
      timeoutMs: 3_000,
    });
  });
});

describe("a variable that is wrong is named, with its value and what would be right", () => {
  test.each<[string, string, RegExp]>([
    ["QUEUACK_DURABILITY", "some", /"full" or "relaxed"/],
    ["QUEUACK_TENANT", "", /1 to 200 characters/],
    ["QUEUACK_QUEUE", "two words", /1 to 200 characters/],
    ["QUEUACK_PRIORITY", "50.5", /0 to 100/],
    ["QUEUACK_PRIORITY", "urgent", /0 to 100/],
    ["QUEUACK_MAX_ATTEMPTS", "0", /1 to 10000/],
    ["QUEUACK_MAX_ATTEMPTS", "many", /1 to 10000/],
    ["QUEUACK_TIMEOUT", "soon", /"5m"/],
    ["QUEUACK_TIMEOUT", "0", /above zero/],
    ["QUEUACK_WARN_AT", "-1", /whole number/],
    ["QUEUACK_LIMIT", "1e3", /whole number/],
    ["QUEUACK_ON_LIMIT", "drop", /"refuse" or "wait"/],
    ["QUEUACK_RETENTION_COMPLETED", "", /"5m"/],
    ["QUEUACK_RETENTION_DISCARDED", "ever", /"5m"/],
    ["QUEUACK_PAYLOAD_LIMIT", "10MB", /whole number/],
  ])("%s=%s", async (variable, text, right) => {
    vi.stubEnv(variable, text);
    await expect(connect(":memory:")).rejects.toMatchObject({
      code: "QUEUACK_INVALID_OPTION",
      message: expect.stringContaining(`${variable}=${text}`),
      hint: expect.stringMatching(right),
    });
  });

  test("one that nobody knows is refused, with those that somebody does", async () => {
    vi.stubEnv("QUEUACK_RETENTION", "1d");
    await expect(connect(":memory:")).rejects.toMatchObject({
      code: "QUEUACK_INVALID_OPTION",
      message: expect.stringContaining("QUEUACK_RETENTION,"),
      hint: expect.stringMatching(/QUEUACK_URL, .*QUEUACK_RETENTION_COMPLETED/),
    });
  });
});

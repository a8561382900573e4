import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { codecOver } from "../codecs/codec-over.ts";
import type { QueuackError } from "../core/errors.ts";
import { type TaskContext, task } from "../core/task.ts";
import { FakeClock } from "../testing/fake-clock.ts";
import { type ConnectOptions, connect } from "./connect.ts";
import { temporaryFolder } from "./fixtures/temporary-folder.ts";
import type { Queue } from "./queue.ts";

const gzip = codecOver("json", { name: "gzip", encode: gzipSync, decode: gunzipSync });
const ages = task({
  name: "ages",
  codec: "structured",
  run: ({ input }: TaskContext<Map<string, Date>>) => new Set([...input.values()].map((born) => born.getUTCFullYear())),
});
const born = new Map([["Ada", new Date("1815-12-10")]]);
const long = { text: "again ".repeat(1_000) };

let opened: Queue[] = [];
afterEach(async () => {
  await Promise.all(opened.map((queue) => queue.close()));
  opened = [];
});
async function open(options: ConnectOptions = {}, url = ":memory:"): Promise<Queue> {
  const queue = await connect(url, options);
  opened.push(queue);
  return queue;
}
const stored = async (q: Queue, id: string) => (await q.broker.get({ ids: [id] }))[0];
const caught = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable("it should have failed"),
    (error: QueuackError) => error,
  );

describe("structured", () => {
  test("carries a Map with Dates to the handler and a Set back", async () => {
    const q = await open({ tasks: [ages], workers: 1 });
    const job = await q.enqueue(ages, born);
    expect(await job.result()).toEqual(new Set([1815]));
    expect(await job.get()).toMatchObject({ input: born, result: new Set([1815]) });
    expect(await stored(q, job.id)).toMatchObject({
      input: expect.stringMatching(/^~structured;base64:/),
      result: expect.stringMatching(/^~structured;base64:/),
    });
  });

  test("of the connection is for every task that names no codec", async () => {
    const plain = task({ name: "plain", codec: "json", run: ({ input }) => input });
    const echo = task({ name: "echo", run: ({ input }) => input });
    const q = await open({ codec: "structured", tasks: [plain, echo], workers: 1 });
    const jobs = await q.enqueueMany([
      [plain, { a: 1 }],
      [echo, [undefined, 1n]],
      ["echo", 2n],
    ]);
    expect(await Promise.all(jobs.map((job) => job.result()))).toEqual([{ a: 1 }, [undefined, 1n], 2n]);
    expect((await stored(q, jobs[0]?.id as string))?.input).toBe('{"a":1}');
    await expect(q.enqueue(plain, 1n)).rejects.toMatchObject({ code: "QUEUACK_NOT_STORABLE" });
  });

  test("is checked by the schema as it is", async () => {
    const dated = task({
      name: "dated",
      codec: "structured",
      input: z.object({ at: z.date() }),
      run: ({ input }) => input.at.getTime(),
    });
    const q = await open({ tasks: [dated], workers: 1 });
    expect(await (await q.enqueue(dated, { at: new Date(7) })).result()).toBe(7);
  });

  test("refuses functions on the way in; as a result they end the job", async () => {
    const returns = task({ name: "returns", codec: "structured", run: () => ({ later: () => 1 }) });
    const q = await open({ tasks: [returns], workers: 1 });
    const refused = await caught(q.enqueue(ages, { f: () => 1 } as never));
    expect(refused.message).toMatch(/^input\.f is a function\. Functions, symbols/);
    const failed = await caught((await q.enqueue(returns, undefined)).result());
    expect(failed.message).toContain("result.later is a function");
    expect(failed.cause).toMatchObject({ code: "QUEUACK_INVALID_RESULT" });
  });
});

describe("a codec of one's own", () => {
  test("is read by whoever was given it, or its task", async () => {
    const url = join(temporaryFolder(), "jobs.db");
    const echo = task({ name: "echo", codec: gzip, run: ({ input }) => input });
    const producer = await open({ codec: gzip }, url);
    const job = await producer.enqueue("echo", long);
    expect((await stored(producer, job.id))?.input?.length).toBeLessThan(200);

    const worker = await open({ tasks: [echo], workers: 1 }, url);
    expect(await job.result()).toEqual(long);
    expect(await worker.job(job.id).result()).toEqual(long);
    const reader = await open({ codecs: [gzip] }, url);
    expect(await reader.jobs.get(job.id)).toMatchObject({ input: long, result: long });
  });

  test("is shown by its name where it is missing, and nothing else is disturbed", async () => {
    const url = join(temporaryFolder(), "jobs.db");
    const producer = await open({ codec: gzip, tenant: "a" }, url);
    const job = await producer.enqueue("echo", long);
    const other = await producer.enqueue(task({ name: "plain", codec: "json", run: () => 1 }), { a: 1 });
    const stranger = await open({ tenant: "a" }, url);
    const placeholder = { $codec: "gzip", $error: "QUEUACK_UNKNOWN_CODEC" };
    expect((await stranger.jobs.get(job.id))?.input).toEqual(placeholder);
    const { items } = await stranger.jobs.list();
    expect(items.map(({ id, input }) => [id, input])).toEqual([
      [other.id, { a: 1 }],
      [job.id, placeholder],
    ]);
  });

  test("fails the result where it is missing, with its name", async () => {
    const url = join(temporaryFolder(), "jobs.db");
    const q = await open({ codec: gzip }, url);
    q.task("echo", ({ input }) => input);
    await q.worker().start();
    const job = await q.enqueue("echo", long);
    await job.result();
    const error = await caught((await open({}, url)).job(job.id).result());
    expect(error).toMatchObject({ code: "QUEUACK_UNKNOWN_CODEC", details: { codec: "gzip" } });
    expect(error.message).toContain(`result of job ${job.id}`);
  });

  test("two of one name are refused", async () => {
    const q = await open({ codec: gzip });
    const twin = task({ name: "twin", codec: { ...gzip }, run: () => 1 });
    expect((await caught(q.enqueue(twin, 1))).message).toContain("Two codecs are named gzip");
    expect(() => q.worker({ tasks: [twin] })).toThrow(/Two codecs are named gzip/);
    await expect(connect(":memory:", { codec: gzip, codecs: [{ ...gzip }] })).rejects.toThrow(/named gzip/);
  });
});

describe("a worker that can't read an input", () => {
  test.each([
    ["lacks the codec", {}, "QUEUACK_UNKNOWN_CODEC"],
    [
      "has another key",
      {
        codecs: [
          {
            ...gzip,
            decode: () => {
              throw new Error("bad key");
            },
          },
        ],
      },
      "QUEUACK_CODEC_FAILED",
    ],
  ])("because it %s fails the attempt by the retry policy, and one that can goes on", async (_, options, code) => {
    const url = join(temporaryFolder(), "jobs.db");
    const clock = new FakeClock();
    const echo = task({ name: "echo", retry: { backoff: "fixed", jitter: "none" }, run: ({ input }) => input });
    const producer = await open({ codec: gzip, clock }, url);
    const job = await producer.enqueue(echo, long);

    const stranger = await open({ tasks: [echo], clock, ...options }, url);
    const failed = new Promise((resolve) => onTestFinished(stranger.on("job:retrying", resolve)));
    const worker = stranger.worker();
    await worker.start();
    expect(await failed).toMatchObject({ attempt: 1, error: { code } });
    const stopped = worker.stop();
    await clock.advance("1s");
    await stopped;
    expect(await job.get()).toMatchObject({ attempt: 1, maxAttempts: 3 });

    await producer.worker({ tasks: [echo] }).start();
    const result = job.result();
    await clock.advance("2s");
    expect(await result).toEqual(long);
  });
});

test("an event's result is a payload, and q.decode() reads it", async () => {
  const q = await open({ tasks: [ages], workers: 1 });
  const told = new Promise((resolve) =>
    onTestFinished(q.on("job:completed", ({ result }) => resolve(q.decode(result)))),
  );
  await q.enqueue(ages, born);
  expect(await told).toEqual(new Set([1815]));
  expect(() => q.decode("~rot13:x")).toThrow(/codec rot13/);
});

test("progress and metadata stay JSON", async () => {
  const q = await open({ codec: "structured" });
  await expect(q.enqueue("x", 1, { metadata: { n: 1n } })).rejects.toMatchObject({ code: "QUEUACK_NOT_STORABLE" });
  q.task("moves", async ({ progress }) => await progress({ n: 1n } as never));
  await q.worker().start();
  const job = await q.enqueue("moves", null, { maxAttempts: 1 });
  expect((await caught(job.result())).message).toContain("progress.n is a bigint");
});

test.each<[string, unknown, RegExp]>([
  ["codec", "xml", /^codec is no codec/],
  ["codec", { name: "x", encode: () => "" }, /^codec is no codec/],
  ["codec", { ...gzip, name: "a b" }, /^codec has the name "a b"/],
  ["codec", { ...gzip, name: "structured" }, /^codec has the name "structured"/],
  ["codec", { ...gzip, name: undefined }, /^codec has the name undefined/],
  ["codecs", gzip, /^codecs is \{/],
  ["codecs", [gzip, 1], /^codecs\[1\] is no codec/],
])("connect() refuses a %s that is none: %j", async (option, value, message) => {
  const error = await caught(connect(":memory:", { [option]: value }));
  expect(error.code).toBe("QUEUACK_INVALID_OPTION");
  expect(error.message).toMatch(message);
});

test("task() refuses a codec that is none", () => {
  expect(() => task({ name: "t", codec: "xml" as "json", run: () => 1 })).toThrow(/^codec of task t is no codec/);
});

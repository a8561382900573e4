import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../testing/fake-clock.ts";
import { handOver } from "./hand-over.ts";
import { type PoolOptions, poolSettings } from "./options.ts";

const modules = ["tasks.mjs"];
const read = (options: object) => poolSettings({ processes: 1, modules, ...options } as PoolOptions);

describe("the options of a pool", () => {
  test("modules are URLs, or paths from the working directory", () => {
    const path = resolve("somewhere", "tasks.mjs");
    const url = pathToFileURL(path);
    expect(read({ modules: [url, url.href, path, "somewhere/tasks.mjs"] }).modules).toEqual([path, path, path, path]);
  });

  test("what is no option of the pool is one of its workers", () => {
    const worker = { concurrency: 3, queues: { a: 1 }, lease: "10s", shutdownGrace: "1s", tenant: "acme" };
    expect(read(worker)).toMatchObject({ processes: 1, worker, shutdownGraceMs: 1_000 });
  });

  test.each([
    [{ processes: 0 }, /processes is 0/],
    [{ processes: 257 }, /from 1 to 256/],
    [{ processes: 1.5 }, /processes is 1.5/],
    [{ modules: [] }, /modules is \[\]/],
    [{ modules: "tasks.mjs" }, /modules is "tasks.mjs"/],
    [{ modules: [""] }, /modules holds ""/],
    [{ modules: [5] }, /modules holds 5/],
    [{ modules: [new URL("data:text/javascript,1")] }, /Give paths or file: URLs/],
    [{ tasks: [] }, /no function crosses/],
    [{ onChange: 5 }, /onChange is 5/],
    [{ onError: "no" }, /onError is "no"/],
    [{ execArgv: "--expose-gc" }, /execArgv is "--expose-gc"/],
    [{ concurrency: 0 }, /concurrency is 0/],
    [{ speed: 1 }, /no option "speed"/],
  ])("%j is refused at once", (options, message) => {
    expect(() => read(options)).toThrow(message);
  });

  test("processes have Node's options of this one, without those that can't be had twice", () => {
    const own = process.execArgv;
    onTestFinished(() => {
      process.execArgv = own;
    });
    process.execArgv = ["--import", "tsx", "--inspect-brk=0", "--watch", "--input-type=module", "-e", "main()"];
    expect(read({}).execArgv).toEqual(["--import", "tsx"]);
    expect(read({ execArgv: ["--expose-gc"] }).execArgv).toEqual(["--expose-gc"]);
  });
});

describe("what connect() was given, in other processes", () => {
  test("plain settings are handed over; tasks, workers and hooks stay with the parent", () => {
    const settings = { tenant: "a", retry: { maxAttempts: 3 }, retention: { completed: "2h" }, payloadLimit: 5 };
    const own = { tasks: [() => 1], workers: 2, worker: { onError: () => undefined }, onError: () => undefined };
    expect(handOver({ ...settings, ...own, queue: undefined })).toEqual(settings);
  });

  test.each([
    ["clock", new FakeClock()],
    ["random", Math.random],
    ["codecs", [{ encode: () => "" }]],
    ["since", new Date(0)],
    ["limit", Number.NaN],
    ["big", 5n],
  ])("%s, which is no plain data, is refused", (name, value) => {
    expect(() => handOver({ [name]: value })).toThrow(
      expect.objectContaining({ code: "QUEUACK_UNSUPPORTED", message: expect.stringContaining(`option ${name} of`) }),
    );
  });
});

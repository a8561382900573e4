import { afterEach, describe, expect, test } from "vitest";
import type { Codec } from "../core/codec.ts";
import { task } from "../core/task.ts";
import { connect } from "./connect.ts";
import type { Queue } from "./queue.ts";

const module = new URL("fixtures/isolated-tasks.mjs", import.meta.url);

interface Input {
  readonly at: Date;
  readonly names: ReadonlyMap<string, number>;
}

interface Seen {
  readonly away: boolean;
  readonly isDate: boolean;
  readonly isMap: boolean;
  readonly at: Date;
  readonly ran: number;
}

/** Never called here: the handler is the module's. */
const elsewhere = (): never => {
  throw new Error("an isolated handler must not run in the worker");
};

const kinds = task({
  name: "kinds",
  isolation: "thread",
  module,
  run: elsewhere as (context: { readonly input: Input }) => Seen,
});
const input: Input = { at: new Date(Date.UTC(2026, 0, 1)), names: new Map([["a", 1]]) };

/** A codec of the application's own, which no thread knows: structured text, backwards. */
function backwards(): Codec {
  return {
    name: "backwards",
    encode: (value) => [...JSON.stringify(value, tagged)].reverse().join(""),
    decode: (stored) => JSON.parse([...(stored as string)].reverse().join(""), untagged),
  };
}

function tagged(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const own = this[key];
  if (own instanceof Date) return { $date: own.getTime() };
  return value instanceof Map ? { $map: [...value] } : value;
}

function untagged(_: string, value: unknown): unknown {
  const { $date, $map } = (value ?? {}) as { $date?: number; $map?: [string, number][] };
  return $date !== undefined ? new Date($date) : $map !== undefined ? new Map($map) : value;
}

let q: Queue;
afterEach(() => q.close());

describe("an isolated handler", () => {
  test.each([
    ["structured", "structured" as const],
    ["a codec of the application's own", backwards()],
  ])("gets and gives what %s can hold", async (_, codec) => {
    q = await connect(":memory:", { codec });
    await q.worker({ tasks: [kinds] }).start();
    const job = await q.enqueue(kinds, input);
    expect(await job.result({ timeout: "20s" })).toEqual({
      away: true,
      isDate: true,
      isMap: true,
      at: input.at,
      ran: 1,
    });
    const [stored] = await q.broker.get({ ids: [job.id] });
    const name = typeof codec === "string" ? codec : codec.name;
    expect([stored?.input, stored?.result].map((text) => text?.startsWith(`~${name}`))).toEqual([true, true]);
  });

  test("enqueues what the connection's codec can hold", async () => {
    q = await connect(":memory:", { codec: "structured" });
    const passOn = task({
      name: "pass-on",
      isolation: "thread",
      module,
      run: elsewhere as (context: object) => string,
    });
    await q.worker({ tasks: [kinds, passOn] }).start();
    const first = await q.enqueue(passOn, input);
    const second = q.job<Seen>(await first.result({ timeout: "20s" }));
    expect(await second.result({ timeout: "20s" })).toMatchObject({ isDate: true, isMap: true });
  });

  test("is spared by the cache: the second job of a key completes without running", async () => {
    q = await connect(":memory:", { codec: backwards() });
    const cached = task({
      ...kinds.options,
      name: "kinds",
      cache: { key: ({ input }: { input: Input }) => String(input.at.getTime()), ttl: "1h" },
      run: elsewhere as (context: { readonly input: Input }) => Seen,
    });
    await q.worker({ tasks: [cached] }).start();
    const first = await q.enqueue(cached, input);
    const { ran } = await first.result({ timeout: "20s" });
    const second = await q.enqueue(cached, input);
    expect((await second.result({ timeout: "20s" })).ran).toBe(ran);
    expect([(await first.get()).outcome, (await second.get()).outcome]).toEqual(["succeeded", "cached"]);
    const other = await q.enqueue(cached, { ...input, at: new Date(0) });
    expect((await other.result({ timeout: "20s" })).ran).toBe(ran + 1);
  });

  test("takes one job at a time: with chunk it is refused", async () => {
    q = await connect(":memory:");
    expect(() =>
      task({
        name: "both",
        isolation: "thread",
        module,
        chunk: { size: 2, wait: 0 },
        run: ({ inputs }: { readonly inputs: readonly number[] }) => inputs,
      }),
    ).toThrow(
      expect.objectContaining({ code: "QUEUACK_INVALID_TASK", message: expect.stringMatching(/chunk and isolation/) }),
    );
  });
});

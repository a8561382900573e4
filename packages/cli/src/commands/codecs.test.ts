import { gunzipSync, gzipSync } from "node:zlib";
import { codecOver, connect, type JobView, task } from "queuack";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Workplace } from "../fixtures/workplace.ts";

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
});
afterEach(() => place.clear());

const gzip = codecOver("json", { name: "gzip", encode: gzipSync, decode: gunzipSync });

test("payloads of every codec are shown; one that is missing by its name", async () => {
  const queue = await connect(place.path("jobs.db"));
  const dated = task({ name: "dated", codec: "structured", run: () => 1 });
  const born = new Map([["Ada", [new Date("1815-12-10"), 1n]]]);
  const one = await queue.enqueue(dated, born);
  const other = await queue.enqueue(task({ name: "small", codec: gzip, run: () => 1 }), { text: "hello" });
  await queue.close();

  expect((await place.run(["jobs", "show", one.id])).out).toContain('[["Ada",["1815-12-10T00:00:00.000Z","1"]]]');
  const listed = await place.json<{ items: JobView[] }>("jobs", "list");
  expect(listed.items.map(({ input }) => input)).toEqual([
    { $codec: "gzip", $error: "QUEUACK_UNKNOWN_CODEC" },
    [["Ada", ["1815-12-10T00:00:00.000Z", "1"]]],
  ]);

  place.write(
    "queuack.config.ts",
    `import { gunzipSync, gzipSync } from "node:zlib";
import { codecOver } from "queuack";
export default { codecs: [codecOver("json", { name: "gzip", encode: gzipSync, decode: gunzipSync })] };
`,
  );
  expect((await place.run(["jobs", "show", other.id])).out).toContain('{"text":"hello"}');
});

test("a configuration file may choose the codec of what is enqueued", async () => {
  place.write("queuack.config.yaml", "codec: structured\n");
  const id = (await place.run(["enqueue", "x", '{"a":1}'])).out.trim();
  const queue = await connect(place.path("jobs.db"));
  expect((await queue.broker.get({ ids: [id] }))[0]?.input).toMatch(/^~structured;base64:/);
  await queue.close();
  place.write("queuack.config.yaml", "codec: xml\n");
  const refused = await place.run(["enqueue", "x"]);
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('codec is "xml"; give "json", "structured", or a codec.');
});

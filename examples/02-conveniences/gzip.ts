// Large inputs and results, compressed.
//
// Prints:
//   the stored text is less than a twentieth of the JSON
//   the result has 2000 words
import { gunzipSync, gzipSync } from "node:zlib";
import { codecOver, connect, task } from "queuack";

const gzip = codecOver("json", { name: "gzip", encode: gzipSync, decode: gunzipSync });

const words = task({
  name: "words",
  codec: gzip,
  run: ({ input }: { input: { text: string } }) => input.text.trim().split(" "),
});

const q = await connect(":memory:", { tasks: [words], workers: 1 });
const input = { text: "again ".repeat(2_000) };
const job = await q.enqueue(words, input);
const [row] = await q.broker.get({ ids: [job.id] });
const share = (row?.input?.length ?? 0) / JSON.stringify(input).length;
console.log(`the stored text is ${share < 0.05 ? "less" : "more"} than a twentieth of the JSON`);
console.log(`the result has ${(await job.result()).length} words`);
await q.close();

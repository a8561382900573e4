// One job instead of two: refused, merged, throttled, debounced.
//
// Prints:
//   the same job: true
//   refused: QUEUACK_DUPLICATE_JOB
//   throttled: true
//   debounced: draft 3
import { connect, QueuackError, task } from "queuack";

const rebuild = task({
  name: "rebuild-index",
  unique: true,
  run: async ({ input }: { input: { shop: number } }) => input.shop,
});
const welcome = task({
  name: "welcome",
  unique: { by: ["user.id"], onConflict: "reject" },
  run: async ({ input }: { input: { user: { id: number; name: string } } }) => input.user.name,
});
const digest = task({
  name: "digest",
  unique: { by: ["user"], period: "1h" },
  run: async ({ input }: { input: { user: number; news: string } }) => input.news,
});
const save = task({
  name: "save",
  unique: { by: ["document"], onConflict: "replace" },
  run: async ({ input }: { input: { document: number; text: string } }) => input.text,
});

const q = await connect(":memory:");

const first = await q.enqueue(rebuild, { shop: 7 });
const second = await q.enqueue(rebuild, { shop: 7 });
console.log(`the same job: ${second.id === first.id && second.duplicate}`);

await q.enqueue(welcome, { user: { id: 1, name: "Ada" } });
try {
  await q.enqueue(welcome, { user: { id: 1, name: "Ada L." } });
} catch (error) {
  if (error instanceof QueuackError) console.log(`refused: ${error.code}`);
}

// Throttle: at most one in every hour, also when the first is over.
const sent = await q.enqueue(digest, { user: 1, news: "first" });
const again = await q.enqueue(digest, { user: 1, news: "second" });
console.log(`throttled: ${again.id === sent.id}`);

// Debounce: it runs once nobody has saved for a tenth of a second, with what was saved last.
const options = { delay: 100 };
const saved = await q.enqueue(save, { document: 1, text: "draft 1" }, options);
await q.enqueue(save, { document: 1, text: "draft 2" }, options);
await q.enqueue(save, { document: 1, text: "draft 3" }, options);

const worker = q.worker({ tasks: [rebuild, welcome, digest, save] });
await worker.start();
console.log(`debounced: ${await saved.result()}`);
await worker.stop();
await q.close();

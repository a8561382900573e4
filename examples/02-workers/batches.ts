// Jobs that belong together: a batch knows how far it is, and what follows is enqueued once, in the very commit that ends the
// last of them. A job of a batch may add to it; a batch may be part of another.
//
// Prints:
//   3 of 4 done, 1 failed
//   report: import is over, 1 of 4 has failed
//   the failed one was mended: 4 of 4 done, 0 failed
//   publish: all of import is there
import { connect, task } from "queuack";

let mended = false;
const load = task({
  name: "load",
  retry: { maxAttempts: 1 },
  run: ({ input }: { input: string }) => {
    if (input === "broken.csv" && !mended) throw new Error("no such column");
    return input.length;
  },
});
const report = task({
  name: "report",
  run: async ({ job }) => {
    const batch = await q.batches.get(job.callbackOf ?? "");
    console.log(`report: ${batch?.name} is over, ${batch?.failed} of ${batch?.total} has failed`);
  },
});
const publish = task({ name: "publish", run: () => console.log("publish: all of import is there") });

const q = await connect(":memory:");
const batch = await q.batch(
  "import",
  { task: load, inputs: ["a.csv", "b.csv", "broken.csv", "c.csv"] },
  { onComplete: [report], onSuccess: [publish] },
);
const tell = async (what: string) => {
  const { completed, total, failed } = await batch.get();
  console.log(`${what}${completed} of ${total} done, ${failed} failed`);
};

const loader = q.worker({ tasks: [load] });
await loader.start();
await batch.wait();
await tell("");
const follower = q.worker({ tasks: [report, publish] });
await follower.start();
await follower.untilIdle();

mended = true;
await q.dead.retry();
await batch.wait();
await tell("the failed one was mended: ");
await follower.untilIdle();
await q.close();

// One task, one worker, one job: enqueue it, wait for its result.
//
// Prints:
//   resized to 300 x 200
import { connect, task } from "queuack";

// The type of the input comes from the annotation here; a schema (`input:`) would check it as well.
const resize = task({
  name: "resize",
  run: ({ input }: { input: { width: number } }) => ({ width: input.width, height: (input.width * 2) / 3 }),
});

const q = await connect(":memory:");
await q.worker({ tasks: [resize] }).start();

const job = await q.enqueue(resize, { width: 300 });
const { width, height } = await job.result();
console.log(`resized to ${width} x ${height}`);

await q.close();

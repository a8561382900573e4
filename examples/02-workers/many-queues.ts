// A worker over several queues shares its slots by weight: of four jobs, three are urgent ones while there are any. A list of
// names instead of weights is a strict order: `queues: ["urgent", "default"]`.
//
// Prints:
//   of the first 8 jobs 6 were urgent
//   in the end 12 urgent and 12 ordinary ones have run
import { connect, task } from "queuack";

const order: string[] = [];
const note = task({ name: "note", run: ({ job }) => void order.push(job.queue) });

const q = await connect(":memory:");
const inputs = Array.from({ length: 12 }, (_, n) => n);
await q.enqueueMany(note, inputs, { queue: "ordinary" });
await q.enqueueMany(note, inputs, { queue: "urgent" });

const worker = q.worker({ tasks: [note], queues: { urgent: 3, ordinary: 1 }, concurrency: 4 });
await worker.start();
await worker.untilIdle();
const urgent = (jobs: readonly string[]) => jobs.filter((queue) => queue === "urgent").length;
console.log(`of the first 8 jobs ${urgent(order.slice(0, 8))} were urgent`);
console.log(`in the end ${urgent(order)} urgent and ${order.length - urgent(order)} ordinary ones have run`);
await q.close();

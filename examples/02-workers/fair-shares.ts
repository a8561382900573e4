// Groups take turns: one customer's thousand jobs do not make another's ten wait. With weights a group gets a larger share.
//
// Prints:
//   of the first 20 jobs: big 10, small 10
//   with weight 3 for gold, of the first 20 jobs: gold 15, iron 5
import { connect, task } from "queuack";

const q = await connect(":memory:");
let order: string[] = [];
const work = task({ name: "work", run: ({ job }) => void order.push(job.group ?? "") });

async function first20(groups: Record<string, number>): Promise<string> {
  order = [];
  for (const [group, count] of Object.entries(groups)) {
    await q.enqueueMany(
      work,
      Array.from({ length: count }, (_, n) => n),
      { group },
    );
  }
  const worker = q.worker({ tasks: [work], concurrency: 4 });
  await worker.start();
  await worker.untilIdle();
  await worker.stop();
  const share = (group: string) => order.slice(0, 20).filter((one) => one === group).length;
  return Object.keys(groups)
    .map((group) => `${group} ${share(group)}`)
    .join(", ");
}

console.log(`of the first 20 jobs: ${await first20({ big: 1_000, small: 10 })}`);
await q.limits.set({ group: "gold" }, { weight: 3 });
console.log(`with weight 3 for gold, of the first 20 jobs: ${await first20({ gold: 100, iron: 100 })}`);
await q.close();

// A group is a key on a job, here the customer. Limits hold for each group by itself, over all workers and processes; one
// customer may have a limit of its own. What waits behind a full limit costs the others nothing.
//
// Prints:
//   most at a time: acme 3, globex 1, initech 1
//   acme's last job waits: The limit on group acme is full: 3 may run at a time.
import { setTimeout as sleep } from "node:timers/promises";
import { connect, task } from "queuack";

const running = new Map<string, number>();
const most = new Map<string, number>();
const sync = task({
  name: "sync",
  run: async ({ job }) => {
    const customer = job.group ?? "";
    const now = (running.get(customer) ?? 0) + 1;
    running.set(customer, now);
    most.set(customer, Math.max(now, most.get(customer) ?? 0));
    await sleep(20);
    running.set(customer, (running.get(customer) ?? 0) - 1);
  },
});

const q = await connect(":memory:");
await q.limits.set({ group: "*" }, { concurrency: 1 });
await q.limits.set({ group: "acme" }, { concurrency: 3 });

for (const customer of ["acme", "globex", "initech"]) await q.enqueueMany(sync, [1, 2, 3, 4, 5], { group: customer });
const last = await q.enqueue(sync, 6, { group: "acme" });
const worker = q.worker({ tasks: [sync], concurrency: 20 });
const started = new Promise<void>((resolve) => q.on("job:started", () => resolve()));
await worker.start();
await started;
const why = await last.explain();
await worker.untilIdle();
console.log(
  `most at a time: ${[...most]
    .sort()
    .map(([customer, n]) => `${customer} ${n}`)
    .join(", ")}`,
);
console.log(`acme's last job waits: ${why.summary}`);
await q.close();

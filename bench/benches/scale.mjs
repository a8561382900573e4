import { join } from "node:path";
import { connect, task } from "queuack";
import { jobInput } from "../cases.mjs";
import { enqueueCrowd, finishCrowd, makeQueue, roomy } from "../crowd.mjs";
import { removeFolder, temporaryFolder } from "../endings.mjs";
import { inTurns, median, medianRatio, timed } from "../measure.mjs";

const CONCURRENCY = 100;

/** What would come first if it could start. */
const urgent = { priority: 90 };

/**
 * The crowds, each in a file of its own beside the jobs that are measured.
 * @param {number} most @returns {{ name: string, fill: (q: import("queuack").Queue) => Promise<unknown> }[]}
 */
function crowds(most) {
  const many = most.toLocaleString("en");
  return [
    ...[most / 100, most / 10, most].map((count) => ({
      name: `${count.toLocaleString("en")} waiting`,
      fill: (/** @type {import("queuack").Queue} */ q) => enqueueCrowd(q, count),
    })),
    {
      name: `${many} finished`,
      fill: async (q) => {
        await enqueueCrowd(q, most);
        await finishCrowd(q);
      },
    },
    { name: `${many} scheduled, urgent`, fill: (q) => enqueueCrowd(q, most, { options: { ...urgent, delay: "7d" } }) },
    { name: `${many} of another task, urgent`, fill: (q) => enqueueCrowd(q, most, { task: "other", options: urgent }) },
    {
      name: `${many} of a paused queue, urgent`,
      fill: async (q) => {
        await q.queues.pause("paused");
        await enqueueCrowd(q, most, { options: { ...urgent, queue: "paused" } });
      },
    },
    {
      name: `${many} behind a full group, urgent`,
      fill: async (q) => {
        await q.limits.set({ group: "full" }, { concurrency: 0 });
        await enqueueCrowd(q, most, { options: { ...urgent, group: "full" } });
      },
    },
  ];
}

/**
 * What a job costs beside a crowd, microseconds: as many are enqueued as are run, so that the crowd stays as it is.
 * @param {string} path @param {number} jobs
 */
async function costs(path, jobs) {
  const q = await connect(path, roomy);
  let wanted = 0;
  let ran = 0;
  /** @type {() => void} */
  let allRan = () => undefined;
  const work = task({
    name: "work",
    run: async () => {
      if (++ran === wanted) allRan();
    },
  });
  const round = async (/** @type {number} */ count) => {
    const enqueue = await timed(async () => {
      let next = 0;
      const lines = Array.from({ length: CONCURRENCY }, async () => {
        while (next < count) await q.enqueue(work, jobInput(next++));
      });
      await Promise.all(lines);
    });
    ran = 0;
    wanted = count;
    /** @type {Promise<void>} */
    const over = new Promise((resolve) => {
      allRan = resolve;
    });
    // The same in every scene, so that only the crowd makes a difference.
    const worker = q.worker({ tasks: [work], concurrency: CONCURRENCY, queues: ["paused", "default"] });
    const run = await timed(async () => {
      await worker.start();
      await over;
    });
    await worker.stop();
    return { enqueue: (enqueue / count) * 1e6, run: (run / count) * 1e6 };
  };
  try {
    // The first pages are read from the disk, and much is compiled.
    await round(Math.ceil(jobs / 5));
    return await round(jobs);
  } finally {
    await q.close();
  }
}

/** @type {import("../main.mjs").Bench} */
export default {
  name: "scale",
  title:
    "microseconds that a job costs beside very many others, to enqueue and to run; the ratio is to the fewest waiting",
  run: async ({ quick, report, progress }) => {
    const most = quick ? 20_000 : 1_000_000;
    const jobs = quick ? 500 : 10_000;
    const reps = quick ? 2 : 5;
    const folder = temporaryFolder("scale");
    const scenes = crowds(most);
    const file = (/** @type {number} */ n) => join(folder, `${n}.db`);
    for (const [n, { name, fill }] of scenes.entries()) {
      const seconds = await timed(() => makeQueue(file(n), fill));
      progress(`scale, made ${name} in ${seconds.toFixed(1)} s`);
    }
    const sides = Object.fromEntries(scenes.map(({ name }, n) => [name, () => costs(file(n), jobs)]));
    const figures = await inTurns(sides, reps, ({ turn, side, figure }) => {
      const { enqueue, run } = figure;
      progress(`scale, turn ${turn + 1} of ${reps}: ${side}: enqueue ${enqueue.toFixed(1)}, run ${run.toFixed(1)} µs`);
    });
    removeFolder(folder);
    for (const key of /** @type {const} */ (["run", "enqueue"])) {
      const least = figures[scenes[0].name].map((figure) => figure[key]);
      for (const { name } of scenes) {
        const samples = figures[name].map((figure) => figure[key]);
        report({
          bench: "scale",
          case: `${key}: ${name}`,
          system: "queuack",
          durability: "full",
          value: median(samples),
          unit: "µs/job",
          ratio: medianRatio(samples, least),
          samples,
          conditions: { jobs, reps, concurrency: CONCURRENCY, enqueuesAtOnce: CONCURRENCY, ratioTo: scenes[0].name },
        });
      }
    }
  },
};

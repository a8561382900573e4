import { join } from "node:path";
import { connect, task } from "queuack";
import { jobInput } from "../cases.mjs";
import { removeFolder, temporaryFolder } from "../endings.mjs";
import { inTurns, median, medianRatio, timed } from "../measure.mjs";

const CONCURRENCY = 100;

/** A Standard Schema that takes everything. */
const schema = {
  "~standard": { version: 1, vendor: "bench", validate: (/** @type {unknown} */ value) => ({ value }) },
};

/**
 * What a handler may use, and what may stand around it; each beside the bare one.
 * @type {Record<string, { what: string, run?: (context: any) => unknown, task?: object, job?: object, around?: (q: import("queuack").Queue) => unknown }>}
 */
const variants = {
  bare: { what: "a handler that reads nothing" },
  input: { what: "reads its input", run: ({ input }) => void input.n },
  job: {
    what: "reads job, attempt and signal",
    run: ({ job, attempt, signal }) => void [job.id, attempt, signal.aborted],
  },
  result: { what: "returns a small object", run: ({ input }) => ({ n: input.n, ok: true }) },
  log: { what: "writes a line to the job's log", run: ({ log }) => log("done", { rows: 1 }) },
  progress: { what: "tells its progress once, awaited", run: ({ progress }) => progress(0.5) },
  heartbeat: { what: "prolongs its lease once, awaited", run: ({ heartbeat }) => heartbeat() },
  enqueue: {
    what: "every job enqueues another, awaited, which is not run",
    run: ({ enqueue }) => enqueue("other", { n: 1 }),
  },
  provided: {
    what: "reads what was provided",
    run: ({ provided }) => void provided.database,
    around: (q) => q.provide({ database: {} }),
  },
  schema: { what: "a schema that takes everything", task: { input: schema } },
  retry: {
    what: "retry options and a timeout of the task",
    task: { retry: { maxAttempts: 5, backoff: "exponential", delay: "2s" }, timeout: "1m" },
  },
  tags: { what: "jobs with tags and metadata", job: { tags: ["a", "b"], metadata: { order: 7 } } },
  group: { what: "jobs of one group, without a limit", job: { group: "acme" } },
  limit: {
    what: "a limit on the group that is never full",
    job: { group: "acme" },
    around: (q) => q.limits.set({ group: "*" }, { concurrency: 1_000 }),
  },
  "failed once": {
    what: "every attempt fails for good, and its error is kept",
    task: { retry: { maxAttempts: 1 } },
    run: () => {
      throw new Error("no");
    },
  },
  middleware: {
    what: "three middlewares around the handler",
    around: (q) => {
      for (let i = 0; i < 3; i++) q.use({ run: (_context, next) => next() });
    },
  },
  hooks: {
    what: "hooks for start and success",
    around: (q) => q.hooks({ onStart: () => undefined, onSuccess: () => undefined }),
  },
  events: { what: "a listener to every completed job", around: (q) => q.on("job:completed", () => undefined) },
};

/** Jobs per second that are run of those that wait. @param {(typeof variants)[string]} variant @param {number} jobs */
async function drained({ run, task: options, job, around }, jobs) {
  const folder = temporaryFolder("context");
  const q = await connect(join(folder, "jobs.db"));
  let ran = 0;
  /** @type {() => void} */
  let allRan = () => undefined;
  /** @type {Promise<void>} */
  const over = new Promise((resolve) => {
    allRan = resolve;
  });
  const work = task({
    ...options,
    name: "work",
    run: async (context) => {
      if (++ran === jobs) allRan();
      // Not awaited where there is nothing: the bare handler is bare.
      return run === undefined ? undefined : run(context);
    },
  });
  try {
    await around?.(q);
    for (let from = 0; from < jobs; from += 1_000) {
      await q.enqueueMany(Array.from({ length: 1_000 }, (_, n) => [work, jobInput(from + n), job ?? {}]));
    }
    const worker = q.worker({ tasks: [work], concurrency: CONCURRENCY });
    const seconds = await timed(async () => {
      await worker.start();
      await over;
      await worker.untilIdle();
    });
    return jobs / seconds;
  } finally {
    await q.close();
    removeFolder(folder);
  }
}

/** @type {import("../main.mjs").Bench} */
export default {
  name: "context",
  title:
    "jobs per second that are run with each part of a handler's context and of its surroundings, beside a bare handler",
  run: async ({ quick, report, progress }) => {
    const jobs = quick ? 1_000 : 20_000;
    const reps = quick ? 1 : 5;
    const bare = () => drained(variants.bare, jobs);
    /** @type {number[]} */
    const bareSamples = [];
    const tell = (
      /** @type {string} */ name,
      /** @type {{ samples: readonly number[], ratio?: number }} */ { samples, ratio },
    ) =>
      report({
        bench: "context",
        case: name,
        system: "queuack",
        durability: "full",
        value: median(samples),
        unit: "jobs/s",
        ratio,
        samples,
        conditions: {
          what: variants[name].what,
          jobs,
          reps: samples.length,
          concurrency: CONCURRENCY,
          ratioTo: "bare",
        },
      });
    // What is compiled at first strikes nobody.
    await bare();
    for (const [name, variant] of Object.entries(variants)) {
      if (name === "bare") continue;
      const figures = await inTurns({ bare, variant: () => drained(variant, jobs) }, reps);
      bareSamples.push(...figures.bare);
      const ratio = medianRatio(figures.variant, figures.bare);
      progress(
        `context: ${name} ${Math.round(median(figures.variant))} jobs/s, ${ratio.toFixed(2)} of the bare handler's`,
      );
      tell(name, { samples: figures.variant, ratio });
    }
    tell("bare", { samples: bareSamples });
  },
};

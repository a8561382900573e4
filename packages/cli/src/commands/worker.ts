import type { Command } from "commander";
import { count, duration, queuePlan } from "../arguments.ts";
import { withQueue } from "../with-queue.ts";
import type { WorkerFlags } from "./run-worker.ts";

const guide = `
A module is JavaScript or TypeScript and exports what task() returns, by name, as default, or in an array.
Without a module, those that queuack.config.* lists under "modules" are loaded.

On SIGTERM or Ctrl+C it claims nothing more, lets running jobs end (--shutdown-grace) and exits with 0;
a second signal ends it at once. Jobs that it could not finish go back without losing an attempt.

With --processes, so many worker processes run the jobs, each with --concurrency slots. One that ends unasked is started
anew. This process watches over them and tells how they come and go; what the jobs do is told by queuack jobs and stats.

Log lines go to stderr; with -o json, events go to stdout, one JSON object a line.

Examples:
  $ queuack worker src/tasks.ts --concurrency 8
  $ queuack worker dist/tasks.js --queues urgent=100,default=50    shares the slots by weight
  $ queuack worker dist/tasks.js --queues urgent,default           urgent first, as long as it has jobs
  $ queuack worker dist/tasks.js --processes 4 --concurrency 2     four processes, eight jobs at a time`;

/** Adds `worker`. */
export function addWorkerCommand(program: Command): void {
  program
    .command("worker")
    .summary("run jobs")
    .description("Run the jobs of the tasks that modules export, until SIGTERM or Ctrl+C.")
    .argument("[modules...]", "JavaScript or TypeScript files that export tasks")
    .option("--concurrency <number>", "how many jobs run at a time (default: 10)", count)
    .option("--processes <number>", "run them in so many processes, started anew when they end", count)
    .option("--queues <names>", "queues in strict order, or with weights (default: those of the tasks)", queuePlan)
    .option("--shutdown-grace <duration>", "how long running jobs may go on after SIGTERM (default: 25s)", duration)
    .addHelpText("after", guide)
    .action(
      async (modules: string[], { processes, ...flags }: WorkerFlags & { processes?: number }, command: Command) => {
        const needs = { creates: true, requiresTasks: true, modules };
        if (processes === undefined) {
          const { runWorker } = await import("./run-worker.ts");
          await withQueue(command, needs, (connection) => runWorker(connection, flags));
        } else {
          const { runPool } = await import("./run-pool.ts");
          await withQueue(command, { ...needs, loadsNothing: true }, (connection) =>
            runPool(connection, processes, flags),
          );
        }
      },
    );
}

import type { Command } from "commander";
import { withQueue } from "../with-queue.ts";

const guide = `
Columns: WAIT is SCHED (start ahead) + PEND (held, or waiting for others) + AVAIL (ready) + RETRY (before its next
attempt); RUN is running; DONE completed; DEAD discarded; CANC cancelled; OLDEST how long the longest-waiting ready job
has waited; OK/MIN and FAIL/MIN how many ended lately, per minute. A state that no job is in is left out.`;

/** Adds `stats`. */
export function addStatsCommand(program: Command): void {
  program
    .command("stats")
    .summary("every queue with its figures")
    .description("Every queue with its jobs by state. Costs the same however many jobs there are.")
    .addHelpText("after", guide)
    .action(async (_flags: unknown, command: Command) => {
      const { statsTable } = await import("./queue-tables.ts");
      await withQueue(command, {}, async ({ queue, output }) => {
        const stats = await queue.stats();
        if (stats.length === 0 && output.format === "table") output.remark("No queues yet: the first job makes one.");
        else await output.result(stats, () => statsTable(stats, output));
      });
    });
}

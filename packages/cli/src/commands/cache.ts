import type { Command } from "commander";
import { withQueue } from "../with-queue.ts";

/** Adds `cache` with its command. */
export function addCacheCommands(program: Command): void {
  program
    .command("cache")
    .summary("forget results that are kept")
    .description("The results that tasks with a cache have left for later jobs.")
    .command("drop")
    .description("Forget kept results, so that the next job of their key runs again.")
    .requiredOption("--task <name>", "of this task")
    .option("--key <key>", "the one of this key (default: every key of the task)")
    .addHelpText("after", "\nExample:\n  $ queuack cache drop --task price --key EUR/USD")
    .action(async (flags: { readonly task: string; readonly key?: string }, command: Command) => {
      await withQueue(command, {}, async ({ queue, output }) => {
        const dropped = await queue.cache.drop(flags);
        await output.result({ dropped }, () => `Forgot ${dropped === 1 ? "1 result" : `${dropped} results`}.`);
      });
    });
}

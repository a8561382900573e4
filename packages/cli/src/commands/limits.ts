import type { Command } from "commander";
import type { LimitOptions, LimitScope } from "queuack";
import { countOrNone, rate, weight } from "../arguments.ts";
import { CliError, exitCodes, usageError } from "../errors.ts";
import { withQueue } from "../with-queue.ts";

const guide = `
A limit holds for the jobs of a queue, a task, a group, or any combination; without any of them for the whole tenant.
--group '*' means each group by itself. Of several limits that hold for a job, all must have room. They hold for all
workers together, from the next claim on; what runs already goes on.

Examples:
  $ queuack limits                                       every limit, with what is used of it
  $ queuack limits set --task mail --rate 100/1m         at most 100 starts within any minute
  $ queuack limits set --group '*' --concurrency 2       two jobs at a time for each group
  $ queuack limits set --group acme --weight 3           three turns where others have one
  $ queuack limits remove --task mail`;

/** Adds `limits` with its commands. */
export function addLimitsCommands(program: Command): void {
  const group = program
    .command("limits")
    .summary("look at limits, set and remove them")
    .description("Limits on what runs at a time and how often something starts. Without a command, they are listed.")
    .addHelpText("after", guide);

  group
    .command("list", { isDefault: true })
    .description("List the limits with what is used of them now.")
    .addHelpText(
      "after",
      "\nColumns: RUNNING now, of how many; STARTED within the period, of how many; – where nothing is said. A limit\non each group has a line for each group that uses it: '* acme'.",
    )
    .action(async (_flags: unknown, command: Command) => {
      const { limitsTable } = await import("./limit-text.ts");
      await withQueue(command, {}, async ({ queue, output }) => {
        const limits = await queue.limits.list();
        if (limits.length === 0 && output.format === "table") output.remark("No limits.");
        else await output.result(limits, () => limitsTable(limits, output));
      });
    });

  addScopeFlags(group.command("set").description("Set a limit, in place of all that was set for the same scope."))
    .option("--concurrency <number>", "most jobs that run at a time; 0 lets none start", countOrNone)
    .option("--rate <number/duration>", "most starts within any such span: 100/1m", rate)
    .option("--weight <number>", "share of a group beside others, or of the tenant: 0.001 to 1000 (default: 1)", weight)
    .addHelpText("after", guide)
    .action(async ({ concurrency, rate, weight, ...scope }: LimitScope & LimitFlags, command: Command) => {
      if (concurrency === undefined && rate === undefined && weight === undefined) {
        throw usageError(
          "Nothing says what the limit is.",
          "Give --concurrency 5, --rate 100/1m or --weight 2; queuack limits remove takes a limit away.",
        );
      }
      const limit: LimitOptions = { concurrency, rate, weight };
      const { limitText, scopeText } = await import("./limit-text.ts");
      await withQueue(command, {}, async ({ queue, output, tenant }) => {
        await queue.limits.set(scope, limit);
        await output.result({ scope, limit }, () => `Limited ${scopeText(scope, tenant)}: ${limitText(limit)}.`);
      });
    });

  addScopeFlags(group.command("remove").description("Take the limit of a scope away."))
    .addHelpText("after", "\nExample:\n  $ queuack limits remove --queue mail --group '*'")
    .action(async (scope: LimitScope, command: Command) => {
      const { scopeText } = await import("./limit-text.ts");
      await withQueue(command, {}, async ({ queue, output, tenant }) => {
        const known = (await queue.limits.list()).some((limit) => sameScope(limit.scope, scope));
        // In any case, for it also says what is wrong with the scope.
        await queue.limits.remove(scope);
        if (!known) {
          throw new CliError(exitCodes.notFound, `There is no limit on ${scopeText(scope, tenant)}.`, {
            hint: "See queuack limits; name queue, task and group as they stand there.",
          });
        }
        await output.result({ removed: scope }, () => `Removed the limit on ${scopeText(scope, tenant)}.`);
      });
    });
}

interface LimitFlags {
  readonly concurrency?: number;
  readonly rate?: { readonly limit: number; readonly per: string };
  readonly weight?: number;
}

function addScopeFlags(command: Command): Command {
  return command
    .option("--queue <name>", "on the jobs of this queue")
    .option("--task <name>", "on the jobs of this task")
    .option("--group <key>", "on the jobs of this group, or '*': of each group by itself");
}

function sameScope(one: LimitScope, other: LimitScope): boolean {
  return one.queue === other.queue && one.task === other.task && one.group === other.group;
}

import { Command, CommanderError } from "commander";
import { addCacheCommands } from "./commands/cache.ts";
import { addDeadCommands } from "./commands/dead.ts";
import { addEnqueueCommand } from "./commands/enqueue.ts";
import { addInitCommand } from "./commands/init.ts";
import { addJobsCommands } from "./commands/jobs.ts";
import { addLimitsCommands } from "./commands/limits.ts";
import { addQueuesCommands } from "./commands/queues.ts";
import { addStatsCommand } from "./commands/stats.ts";
import { addWorkerCommand } from "./commands/worker.ts";
import type { GlobalFlags } from "./connection.ts";
import { exitCodes, report, reportText } from "./errors.ts";
import { version } from "./version.ts";
import { addGlobalFlags } from "./with-queue.ts";

const guide = `
A first walk:
  $ queuack init my-app                             a small project that works, to begin with
  $ export QUEUACK_URL=jobs.db                      one SQLite file; no server
  $ queuack enqueue resize '{"path":"a.png"}'       a job waits until a worker has its task
  $ queuack worker src/tasks.ts                     runs jobs until Ctrl+C
  $ queuack jobs list --state retryable,discarded   what went wrong?
  $ queuack jobs show <id>                          its input, attempts, errors and log
  $ queuack jobs explain <id>                       why does it not run?
  $ queuack dead retry --task resize                once it is mended

Settings: a flag goes before the environment, that before a file.
  File         queuack.config.{ts,js,json,yaml} here or in a folder above: url, output, modules, worker,
               tenant, queue, priority, retry, timeout, durability, backpressure, retention, payloadLimit
  Environment  QUEUACK_URL, QUEUACK_TENANT, QUEUACK_QUEUE, QUEUACK_PRIORITY, QUEUACK_MAX_ATTEMPTS,
               QUEUACK_TIMEOUT, QUEUACK_DURABILITY, QUEUACK_WARN_AT, QUEUACK_LIMIT, QUEUACK_ON_LIMIT,
               QUEUACK_RETENTION_COMPLETED, QUEUACK_RETENTION_DISCARDED, QUEUACK_PAYLOAD_LIMIT;
               NO_COLOR

Exit codes:
  0  done                              4  enqueue --wait: the job failed or was cancelled
  1  failed, or nothing to change      5  enqueue --wait: the time was up
  2  wrong usage or configuration      6  refused for now: queue full, store busy, unique key held
  3  no such job, queue, limit, file   130, 143  ended by a signal

With -o json, stdout holds one JSON document and nothing else; remarks and errors go to stderr.
`;

/** Runs one command line; resolves to the exit code. Reports errors on stderr, never throws. */
export async function runProgram(argv: readonly string[]): Promise<number> {
  const program = makeProgram();
  try {
    await program.parseAsync(argv);
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (error) {
    // Help and version were asked for, and printed.
    if (error instanceof CommanderError && error.exitCode === 0) return exitCodes.ok;
    // A group without a command has printed its help.
    if (error instanceof CommanderError && error.code === "commander.help") return exitCodes.usage;
    const { output, verbose } = program.opts<GlobalFlags>();
    const read = report(error);
    process.stderr.write(`${reportText(read, output === "json" ? "json" : "text")}\n`);
    if (verbose && error instanceof Error) process.stderr.write(`${stackOf(error)}\n`);
    return read.exitCode;
  }
}

/** The program with all its commands. */
export function makeProgram(): Command {
  const program = new Command("queuack")
    .description("The durable job queue: enqueue jobs, run workers, look at them and steer them.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "explain; also after a command, such as queuack jobs cancel --help")
    .configureHelp({ showGlobalOptions: true })
    // Errors are reported in one place, as text or JSON.
    .configureOutput({ outputError: () => undefined })
    .exitOverride()
    .addHelpText("after", guide);
  addGlobalFlags(program);
  addEnqueueCommand(program);
  addWorkerCommand(program);
  addJobsCommands(program);
  addDeadCommands(program);
  addQueuesCommands(program);
  addLimitsCommands(program);
  addCacheCommands(program);
  addStatsCommand(program);
  addInitCommand(program);
  return program;
}

function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : "";
  return `${error.stack}${cause}`;
}

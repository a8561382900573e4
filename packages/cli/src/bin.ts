#!/usr/bin/env node
import { watchPipes } from "./closed-pipe.ts";
import { runProgram } from "./program.ts";

void main();

async function main(): Promise<void> {
  watchPipes();
  // The library's timers keep no process alive, not even one that waits for a result; the exit below ends this one.
  setInterval(() => undefined, 2 ** 30);
  const exitCode = await runProgram(process.argv);
  // A task module may have left a timer or a pool of connections open; what was printed must be out before the end.
  for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write("", resolve));
  process.exit(exitCode);
}

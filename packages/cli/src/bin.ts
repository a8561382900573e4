#!/usr/bin/env node
import { runProgram } from "./program.ts";

// Whoever reads may stop reading, as `head` does: then there is nobody left to tell.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    // A worker ends when its jobs have.
    if (process.listenerCount("queuack:pipe-closed") === 0) process.exit(0);
  });
}

const exitCode = await runProgram(process.argv);
// A task module may have left a timer or a pool of connections open; what was printed must be out before the end.
for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write("", resolve));
process.exit(exitCode);

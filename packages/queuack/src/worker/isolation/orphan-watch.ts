import { Worker } from "node:worker_threads";

/** The pipe whose other end the parent holds, and never writes to. */
const parentPipe = 4;

/**
 * The thread's whole program: the system closes the pipe however the parent dies, and this thread hears of it also while
 * the main one spins.
 */
const program = `
const { Socket } = require("node:net");
const pipe = new Socket({ fd: ${parentPipe}, readable: true, writable: false });
const end = () => process.kill(process.pid, "SIGKILL");
pipe.on("end", end).on("close", end).on("error", end).resume();
`;

/** Sees to it that this process ends when its parent does: by `end` if the event loop turns, by force if it doesn't. */
export function endWithParent(end: () => void): void {
  process.on("disconnect", end);
  // Without the flags and variables of this process: it needs none of the user's loaders.
  const watch = new Worker(program, {
    eval: true,
    execArgv: [],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 16 },
  });
  // Where the pipe can't be watched, the end of the channel is heard as soon as the handler lets the event loop turn.
  watch.on("error", () => undefined);
  watch.unref();
}

import { type ChildProcess, fork } from "node:child_process";
import type { Socket } from "node:net";
import { childProgram, type Death, type Executor, type ExecutorListener } from "./executor.ts";
import type { FromChild, ToChild } from "./wire.ts";

/** How much of what a process printed to its stderr is kept to explain its death, characters. */
const tailLength = 8_192;

/** How long the streams of a process that is gone may stay open: a grandchild may have inherited them. */
const closingMs = 500;

/** What V8 prints before it gives up. */
const outOfMemory = /FATAL ERROR: .*(heap|memory)|JavaScript heap out of memory/i;

/** The ways in which V8 then ends the process, as signals and as Windows' exit codes. */
const fatalEnds: readonly unknown[] = ["SIGABRT", "SIGTRAP", "SIGILL", 134, 0x80000003];

/** Flags of this process that its children must not take over: a port that is taken, a program that is another. */
const ownFlags = /^--(inspect|watch|test|input-type|check|interactive|eval|print)|^-[epci]$/;

/** A process that runs handlers. Its stdout is this process's own; its stderr is passed on. */
export class ProcessExecutor implements Executor {
  readonly #child: ChildProcess;
  #tail = "";

  constructor(memoryLimit: number | undefined, listener: ExecutorListener) {
    const child = fork(childProgram, [], {
      serialization: "advanced",
      execArgv: flags(memoryLimit),
      // The last is never written to: its end tells the child that this process is gone, also while a handler spins.
      stdio: ["ignore", "inherit", "pipe", "ipc", "pipe"],
    });
    this.#child = child;
    // There are none where the system has no file descriptors left.
    const streams = (child.stdio ?? []) as (Socket | null)[];
    let dead = false;
    const die = (death: Death) => {
      if (dead) return;
      dead = true;
      for (const stream of streams) stream?.destroy();
      listener.died(death);
    };
    const buried = (code: number | null, signal: string | null) => {
      const fatal = fatalEnds.includes(signal ?? code) && outOfMemory.test(this.#tail);
      if (fatal) die({ kind: "out_of_memory" });
      else die(signal === null ? { kind: "exited", code: code ?? 0 } : { kind: "signal", signal });
    };
    child.on("message", (message) => listener.heard(message as FromChild));
    child.on("error", (error) => {
      if (child.pid === undefined) die({ kind: "unstarted", error });
    });
    child.on("exit", (code, signal) => setTimeout(() => buried(code, signal), closingMs).unref());
    child.on("close", buried);
    child.stderr?.on("data", (text: Buffer) => {
      process.stderr.write(text);
      this.#tail = (this.#tail + text.toString()).slice(-tailLength);
    });
    // A running worker has a handle of its own; an idle process is no reason to live on.
    child.unref();
    child.channel?.unref();
    for (const stream of streams) stream?.unref();
    streams[4]?.on("error", () => undefined);
  }

  send(message: ToChild): void {
    // What can't be delivered any more needs no answer: the death of the process, which follows, says it all.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }

  forget(): void {
    this.#tail = "";
  }
}

/** The flags of this process, so that its loaders work in the child as well, and the limit. */
function flags(memoryLimit: number | undefined): string[] {
  const inherited: string[] = [];
  for (let at = 0; at < process.execArgv.length; at++) {
    const flag = process.execArgv[at] as string;
    if (!ownFlags.test(flag)) inherited.push(flag);
    // The program text stands beside its flag.
    else if (/^(-e|-p|--eval|--print)$/.test(flag)) at++;
  }
  if (memoryLimit !== undefined) inherited.push(`--max-old-space-size=${Math.floor(memoryLimit / 1_048_576)}`);
  return inherited;
}

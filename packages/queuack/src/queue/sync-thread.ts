import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { QueuackError } from "../core/errors.ts";
import { ownFile } from "../core/own-file.ts";
import { thrownError } from "../core/thrown-record.ts";
import type { Broker, FinishedJob } from "../engine/broker.ts";
import { beatMs, type SyncAnswer, type SyncStart, signs } from "./sync-messages.ts";

/** How long the thread may show no sign of life while a result is waited for, milliseconds: many beats, for a busy machine. */
const silenceMs = 20 * beatMs;

/** A queue in a thread of its own, whose answers this thread sleeps for. */
export class SyncThread {
  readonly #timeoutMs: number;
  readonly #silenceMs: number;
  readonly #shared = new Int32Array(new SharedArrayBuffer(12));
  readonly #port: MessagePort;
  readonly #thread: Worker;
  #asked = 0;
  #closed = false;

  /**
   * @param timeoutMs how long a call may take
   * @param options.program what the thread runs
   * @param options.silenceMs how long the thread may show no sign of life while a result is waited for
   * @throws {QueuackError} `QUEUACK_UNSUPPORTED` where the thread's program is not found
   */
  constructor(timeoutMs: number, options: { readonly program?: URL; readonly silenceMs?: number } = {}) {
    this.#timeoutMs = timeoutMs;
    this.#silenceMs = options.silenceMs ?? silenceMs;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    const workerData: SyncStart = { port: port2, signs: this.#shared };
    // Without the options of this process: its loaders and debuggers would run in the thread while this one sleeps.
    this.#thread = new Worker(options.program ?? program(), { workerData, transferList: [port2], execArgv: [] });
    // Whoever calls learns of the thread's end from the shared memory, since no event reaches a sleeping thread.
    this.#thread.on("error", () => undefined);
    this.#thread.unref();
    port1.unref();
  }

  /**
   * Calls a method of the broker in the thread.
   * @throws {QueuackError} what the broker throws; `QUEUACK_CALL_TIMEOUT`, `QUEUACK_CLOSED`
   */
  broker<Method extends "enqueue" | "get" | "change" | "queueStats">(
    method: Method,
    params: Parameters<Broker[Method]>[0],
  ): Awaited<ReturnType<Broker[Method]>> {
    return this.call(method, [params]) as Awaited<ReturnType<Broker[Method]>>;
  }

  /** Waits for a job: as long as it says, or as the thread lives. @throws {QueuackError} as `broker` */
  wait(params: { readonly id: string; readonly timeoutMs: number | undefined }): FinishedJob | null {
    const limitMs = (params.timeoutMs ?? Number.POSITIVE_INFINITY) + this.#timeoutMs;
    return this.call("wait", [params], limitMs) as FinishedJob | null;
  }

  /** Calls the thread and sleeps until it answers. @throws {QueuackError} as `broker` */
  call(method: string, args: readonly unknown[], limitMs = this.#timeoutMs): unknown {
    if (this.#closed) throw new QueuackError("QUEUACK_CLOSED", { message: "This queue was closed." });
    const id = ++this.#asked;
    this.#port.postMessage({ id, method, args });
    const answer = this.#sleepFor(id, method, limitMs);
    if ("thrown" in answer) throw thrownError(answer.thrown);
    return answer.value;
  }

  /** Closes the queue and ends the thread, whatever the queue says. Can be called again. */
  close(): void {
    if (this.#closed) return;
    try {
      this.call("close", []);
    } finally {
      this.end();
    }
  }

  /** Ends the thread at once. */
  end(): void {
    this.#closed = true;
    void this.#thread.terminate();
    this.#port.close();
  }

  #sleepFor(id: number, method: string, limitMs: number): SyncAnswer {
    const started = performance.now();
    let [beats, lastSign] = [Atomics.load(this.#shared, signs.beats), started];
    for (;;) {
      // Read before the port is: an answer that comes between the two is then not slept through.
      const answers = Atomics.load(this.#shared, signs.answers);
      const ended = Atomics.load(this.#shared, signs.ended) !== 0;
      for (let got = receiveMessageOnPort(this.#port); got !== undefined; got = receiveMessageOnPort(this.#port)) {
        const answer = got.message as SyncAnswer;
        // Another is late: its call was given up.
        if (answer.id === id) return answer;
      }
      if (ended) {
        this.end();
        throw new QueuackError("QUEUACK_CLOSED", { message: "The thread behind connectSync() has ended by itself." });
      }
      const now = performance.now();
      const beating = Atomics.load(this.#shared, signs.beats);
      if (beating !== beats) [beats, lastSign] = [beating, now];
      const leftMs = Math.min(started + limitMs, lastSign + Math.max(this.#silenceMs, this.#timeoutMs)) - now;
      if (leftMs <= 0) throw givenUp(method, now - started, now - lastSign);
      Atomics.wait(this.#shared, signs.answers, answers, Math.min(leftMs, beatMs));
    }
  }
}

function givenUp(method: string, tookMs: number, silentMs: number): QueuackError {
  const [took, silent] = [tookMs, silentMs].map((ms) => Math.round(ms));
  return new QueuackError("QUEUACK_CALL_TIMEOUT", {
    message: `connectSync() had no answer to ${method} after ${took} ms.`,
    details: { method, tookMs: took, silentMs: silent },
  });
}

/** Where the thread's program lies: in this package, or in the installed one when this file is part of a user's bundle. */
function program(): URL {
  const own = ownFile("queue/sync-program.js");
  if (existsSync(own)) return own;
  try {
    const entry = pathToFileURL(createRequire(import.meta.url).resolve("queuack"));
    const installed = new URL("./queue/sync-program.js", entry);
    if (existsSync(installed)) return installed;
  } catch {
    // Not installed either: the error below says what to do.
  }
  throw new QueuackError("QUEUACK_UNSUPPORTED", {
    message: "connectSync() does not find the program of its thread.",
    hint: "Keep queuack out of the bundle, as an external package; from source, build it first.",
  });
}

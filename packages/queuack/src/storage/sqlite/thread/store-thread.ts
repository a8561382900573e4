import { Worker } from "node:worker_threads";
import type { BatchEnd } from "../../../core/batch.ts";
import { QueuackError } from "../../../core/errors.ts";
import { ownFile } from "../../../core/own-file.ts";
import { thrownError, thrownRecord } from "../../../core/thrown-record.ts";
import type { StoreCapabilities } from "../../store.ts";
import type { Call, FromThread, Part, Reply, StoreStart, ToThread } from "./messages.ts";
import { packed, unpacked } from "./rows.ts";

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

/** The thread of a store: what one tick asks of it travels as one message. Keeps its process alive only while asked. */
export class StoreThread {
  readonly #thread: Worker;
  readonly #now: () => number | null;
  readonly #pending = new Map<number, Pending>();
  readonly #commitListeners = new Set<() => void>();
  readonly #endListeners = new Set<(ended: readonly BatchEnd[]) => void>();
  readonly #opened: Promise<void>;
  #open: Pending = { resolve: () => undefined, reject: () => undefined };
  #capabilities: StoreCapabilities | null = null;
  #calls: Call[] = [];
  #asked = 0;
  /** Why it can't be asked any more. */
  #gone: unknown = null;

  /** Starts a thread; resolves once its store is open. @throws {QueuackError} as `openSqliteStore` */
  static async start(params: Omit<StoreStart, "now">, now: () => number | null): Promise<StoreThread> {
    const thread = new StoreThread(params, now);
    await thread.#opened;
    return thread;
  }

  private constructor(params: Omit<StoreStart, "now">, now: () => number | null) {
    this.#now = now;
    this.#opened = new Promise<void>((resolve, reject) => {
      this.#open = { resolve, reject };
    });
    const workerData: StoreStart = { ...params, now: now() };
    // Without the options of this process: its loaders and debuggers are not meant for this.
    this.#thread = new Worker(ownFile("storage/sqlite/thread/program.js"), { workerData, execArgv: [] });
    this.#thread.on("message", (message: FromThread) => this.#heard(message));
    this.#thread.on("error", (cause) => this.#end(ended(cause)));
    this.#thread.on("exit", () => this.#end(ended(undefined)));
  }

  /** What the store says of itself. */
  get capabilities(): StoreCapabilities {
    return this.#capabilities as StoreCapabilities;
  }

  /** Asks for a method of a part, or one of the store's own. @throws {QueuackError} what the store throws */
  call<T>(part: Part | null, method: string, params?: unknown): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#gone !== null) return reject(this.#gone);
      const id = ++this.#asked;
      if (this.#pending.size === 0) this.#thread.ref();
      this.#pending.set(id, { resolve, reject });
      this.#calls.push({ id, part, method, params: packed(params) });
      if (this.#calls.length === 1) process.nextTick(() => this.#send());
    });
  }

  /** Calls back after somebody else's commit. */
  onForeignCommit(listener: () => void): () => void {
    // A listener may stand here twice.
    const own = () => listener();
    this.#commitListeners.add(own);
    if (this.#commitListeners.size === 1) this.#tellListening("listen");
    return () => {
      if (this.#commitListeners.delete(own) && this.#commitListeners.size === 0) this.#tellListening("unlisten");
    };
  }

  onBatchesEnded(listener: (ended: readonly BatchEnd[]) => void): () => void {
    const own = (ended: readonly BatchEnd[]) => listener(ended);
    this.#endListeners.add(own);
    return () => void this.#endListeners.delete(own);
  }

  /** Closes the store and ends the thread. */
  async close(): Promise<void> {
    if (this.#gone !== null) return;
    const closed = this.call<void>(null, "close");
    // What is asked from here on would reach a closed store.
    this.#gone = new QueuackError("QUEUACK_CLOSED", { message: "The store was closed." });
    await closed;
    await this.#thread.terminate();
  }

  /** Fails only where the thread has ended, which every other call tells. */
  #tellListening(method: "listen" | "unlisten"): void {
    if (this.#gone === null) this.call(null, method).catch(() => undefined);
  }

  #send(): void {
    const calls = this.#calls;
    this.#calls = [];
    this.#post(calls);
  }

  #post(calls: readonly Call[]): void {
    const message: ToThread = { now: this.#now(), calls };
    try {
      this.#thread.postMessage(message);
    } catch (error) {
      // Something in it can't be cloned: whose it is fails alone.
      const [first, ...others] = calls;
      if (others.length > 0) for (const call of calls) this.#post([call]);
      else if (first !== undefined) this.#answer({ id: first.id, thrown: thrownRecord(error) });
    }
  }

  #heard(message: FromThread): void {
    switch (message.kind) {
      case "opened":
        this.#capabilities = message.capabilities;
        this.#thread.unref();
        return this.#open.resolve(undefined as never);
      case "failed":
        return this.#end(thrownError(message.thrown));
      case "replies":
        this.#capabilities = message.capabilities;
        for (const reply of message.replies) this.#answer(reply);
        if (this.#pending.size === 0) this.#thread.unref();
        return;
      case "foreignCommit":
        for (const listener of [...this.#commitListeners]) listener();
        return;
      case "batchesEnded":
        for (const listener of this.#endListeners) listener(message.ended);
    }
  }

  #answer(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ("thrown" in reply) pending?.reject(thrownError(reply.thrown));
    else pending?.resolve(unpacked(reply.value) as never);
  }

  #end(error: Error): void {
    this.#gone ??= error;
    this.#open.reject(this.#gone);
    for (const { reject } of this.#pending.values()) reject(this.#gone);
    this.#pending.clear();
  }
}

function ended(cause: unknown): QueuackError {
  return new QueuackError("QUEUACK_STORE_FAILED", {
    message: "The thread of the store has ended by itself.",
    hint: "What was acknowledged is safe; connect again. See the cause, and what the process has printed.",
    cause,
  });
}

import { loadTasks } from "../../modules/load-tasks.ts";
import type { Worker } from "../../worker/worker.ts";
import { connect } from "../connect.ts";
import type { Queue } from "../queue.ts";
import { type PoolOrder, type PoolPlan, type PoolReport, sentError } from "./messages.ts";

/** How often the figures are looked at, milliseconds; they are sent when they have changed. */
const figuresEveryMs = 200;

/** What of the process a member needs. */
export interface MemberProcess {
  /** Sends to the parent; resolves when it is sent, or when there is nobody any more. */
  send(report: PoolReport): Promise<void>;
  /** Ends the process. */
  exit(code: number): void;
}

/** The inside of a pool's process: one worker that follows the parent's orders and reports to it. */
export class PoolMember {
  readonly #process: MemberProcess;
  #plan: PoolPlan | null = null;
  #queue: Queue | null = null;
  #worker: Worker | null = null;
  #figures: NodeJS.Timeout | undefined;
  #told = "";
  #ending = false;

  constructor(process: MemberProcess) {
    this.#process = process;
  }

  /** Does what the parent says. */
  async hear(order: PoolOrder): Promise<void> {
    if (order.kind === "start") await this.#start(order.plan);
    else await this.stop(order.graceMs);
  }

  /** Drains and ends the process; called again, it can only shorten the grace. */
  async stop(graceMs?: number): Promise<void> {
    // Still loading: there is nothing to drain.
    if (this.#worker === null) return this.#process.exit(0);
    const stopped = this.#worker.stop(graceMs === undefined ? {} : { grace: graceMs });
    if (this.#ending) return;
    this.#ending = true;
    void this.#process.send({ kind: "stopping" });
    await stopped;
    clearInterval(this.#figures);
    await this.#leave(0);
  }

  /** The parent is gone: what runs may end, unless the queue is gone as well. */
  async orphaned(): Promise<void> {
    if (this.#plan?.temporary) this.#process.exit(0);
    else await this.stop();
  }

  async #start(plan: PoolPlan): Promise<void> {
    this.#plan = plan;
    const tell = (message: string, error: unknown) =>
      void this.#process.send({ kind: "trouble", message, error: error === undefined ? error : sentError(error) });
    try {
      const tasks = await loadTasks(plan.modules, process.cwd());
      const onError = (error: unknown) => tell(error instanceof Error ? error.message : String(error), error);
      this.#queue = await connect(plan.url, { ...plan.connection, onError });
      const worker = this.#queue.worker({
        ...plan.worker,
        tasks,
        onError: ({ message, error }) => tell(message, error),
      });
      this.#worker = worker;
      await worker.start();
    } catch (error) {
      await this.#process.send({ kind: "failed", error: sentError(error) });
      return await this.#leave(1);
    }
    if (this.#ending) return;
    this.#tellFigures();
    this.#figures = setInterval(() => this.#tellFigures(), figuresEveryMs).unref();
  }

  #tellFigures(): void {
    const { id, running } = this.#worker as Worker;
    const figures = `${id} ${running}`;
    if (figures === this.#told) return;
    this.#told = figures;
    void this.#process.send({ kind: "figures", worker: id, running });
  }

  async #leave(code: number): Promise<void> {
    try {
      await this.#queue?.close();
      this.#process.exit(code);
    } catch (error) {
      await this.#process.send({ kind: "trouble", message: "The queue could not be closed.", error: sentError(error) });
      this.#process.exit(1);
    }
  }
}

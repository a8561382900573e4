// The program of the thread behind connectSync(): a queue like any other, asked through a port. Started by sync-thread.ts.
import { workerData } from "node:worker_threads";
import { thrownRecord } from "../core/thrown-record.ts";
import type { Broker } from "../engine/broker.ts";
import type { ConnectOptions } from "./connect.ts";
import type { Queue } from "./queue.ts";
import { beatMs, type SyncAnswer, type SyncQuestion, type SyncStart, signs } from "./sync-messages.ts";

const { port, signs: shared } = workerData as SyncStart;
let queue: Queue | undefined;

async function answer({ method, args }: SyncQuestion): Promise<unknown> {
  if (method === "connect") {
    const [url, options] = args as [string | undefined, ConnectOptions];
    // Only now, so that a failure to load it is an answer as well.
    const { connect } = await import("./connect.ts");
    queue = await connect(url, options);
    return undefined;
  }
  if (method === "close") return await queue?.close();
  const ask = queue?.broker[method as keyof Broker] as (...args: readonly unknown[]) => unknown;
  return await ask.apply(queue?.broker, [...args]);
}

function wake(): void {
  Atomics.add(shared, signs.answers, 1);
  Atomics.notify(shared, signs.answers);
}

port.on("message", async (question: SyncQuestion) => {
  const { id } = question;
  const reply: SyncAnswer = await answer(question).then(
    (value) => ({ id, value }),
    (thrown: unknown) => ({ id, thrown: thrownRecord(thrown) }),
  );
  port.postMessage(reply);
  wake();
});
setInterval(() => Atomics.add(shared, signs.beats, 1), beatMs);
process.on("exit", () => {
  Atomics.store(shared, signs.ended, 1);
  wake();
});

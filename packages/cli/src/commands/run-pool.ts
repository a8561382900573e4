import type { PoolProcessStatus, PoolTrouble } from "queuack";
import { whenPipeCloses } from "../closed-pipe.ts";
import type { Connection } from "../connection.ts";
import { printable } from "../output.ts";
import { stamp, type WorkerFlags } from "./run-worker.ts";

/** Runs worker processes over the modules of the connection until a signal comes, and tells how they come and go. */
export async function runPool(connection: Connection, processes: number, flags: WorkerFlags): Promise<void> {
  const { queue, output, modules, tenant, settings, shownUrl } = connection;
  const remark = (text: string) => output.remark(`${stamp(Date.now())} ${printable(text)}`);
  const pool = queue.workers({
    ...settings.worker,
    ...flags,
    tenant,
    processes,
    modules,
    onChange: (status) => {
      if (output.format === "json") output.write(`${changeLine(status)}\n`);
      // Why it ended, and when another one starts, is told as trouble.
      else if (status.state !== "waiting-to-restart") remark(happening(status));
    },
    onError: ({ during, message, error }: PoolTrouble) => {
      // How a process ended is all in the message.
      const more = during === "work" && error instanceof Error && !message.includes(error.message);
      remark(`${during === "work" ? "trouble: " : ""}${message}${more ? ` ${error.message}` : ""}`);
    },
  });
  const onSignal = () => remark(`stopping; ${pool.status().running} running. Again to end at once.`);
  process.once("SIGTERM", onSignal).once("SIGINT", onSignal);
  whenPipeCloses(() => void pool.stop());
  remark(`worker processes start on ${shownUrl}, ${processes} of them; Ctrl+C to stop.`);
  await pool.run();
  remark("worker processes stopped.");
}

/** A change as one line of JSON, in the form of an event. */
function changeLine({ state, since, ...facts }: PoolProcessStatus): string {
  return JSON.stringify({ name: `process:${state}`, at: since, ...facts });
}

function happening({ number, pid, state, worker, restarts }: PoolProcessStatus): string {
  const process = `process ${number}${pid === null ? "" : ` (pid ${pid})`}`;
  if (state === "starting") return `${process} starts${restarts === 0 ? "" : `, restart ${restarts}`}`;
  if (state === "running") return `${process} runs worker ${worker}`;
  return `${process} ${state}`;
}

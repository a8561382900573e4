// Enqueues and runs jobs at a steady rate until it is told to stop.
import { connect } from "queuack";
import { jobInput } from "../cases.mjs";
import { startPacer } from "../pacer.mjs";

const { path, perSecond } = JSON.parse(process.argv[2]);
const q = await connect(path);
q.task("work", async () => undefined);
await q.worker({ concurrency: 100 }).start();
let isStopping = false;
process.on("message", async () => {
  isStopping = true;
  await q.close();
  process.exit();
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
await startPacer({
  perSecond,
  ticks: Number.MAX_SAFE_INTEGER,
  onTick: (n) => {
    if (!isStopping) void q.enqueue("work", jobInput(n));
  },
});

// The program of a pool's process: forked by `pool-process.ts`, ends with its parent.
import type { PoolOrder } from "./messages.ts";
import { PoolMember } from "./pool-member.ts";
import { markPoolMember } from "./pool-member-mark.ts";

markPoolMember();
const member = new PoolMember({
  send: (report) =>
    new Promise((resolve) => {
      // Without a parent there is nobody to tell; `disconnect` has been heard then.
      if (process.connected) process.send?.(report, () => resolve());
      else resolve();
    }),
  exit: (code) => process.exit(code),
});
process.on("message", (order: PoolOrder) => void member.hear(order));
process.on("disconnect", () => void member.orphaned());
process.on("SIGTERM", () => void member.stop());
// A terminal sends it to all processes at once: what becomes of the pool is for the parent to say.
process.on("SIGINT", () => undefined);

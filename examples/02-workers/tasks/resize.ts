import { setTimeout as sleep } from "node:timers/promises";
import { task } from "queuack";

/** Pretends to resize a picture. */
export const resize = task({
  name: "resize",
  run: async ({ input }: { input: { width: number } }) => {
    await sleep(20);
    return { by: process.pid, width: input.width };
  },
});

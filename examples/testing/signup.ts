import { type Queue, task } from "queuack";
import { z } from "zod";

const person = z.object({ name: z.string(), address: z.string() });

/** How mail leaves. A test puts its own `send` here. */
export const mailer = {
  send: async (to: string, text: string): Promise<void> => console.log(`to ${to}: ${text}`),
};

export const remind = task({
  name: "remind",
  input: person,
  run: async ({ input }) => await mailer.send(input.address, `Still there, ${input.name}?`),
});

export const welcome = task({
  name: "welcome",
  input: person,
  retry: { maxAttempts: 3, delay: "1m", jitter: "none" },
  run: async ({ input, log, enqueue }) => {
    await mailer.send(input.address, `Welcome, ${input.name}!`);
    log("welcomed", { address: input.address });
    await enqueue(remind, input, { delay: "7d" });
  },
});

/** Whoever signs up is welcomed at once, and reminded after a week. */
export async function signUp(q: Queue, name: string, address: string): Promise<void> {
  await q.enqueue(welcome, { name, address }, { priority: "high", tags: ["signup"] });
}

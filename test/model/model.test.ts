import { expect, test } from "vitest";
import { runModel, runShares } from "./fixtures/run.ts";

const { MODEL_SEQUENCES = "500", MODEL_SEED, MODEL_PATH } = process.env;
const sequences = Number(MODEL_SEQUENCES);
const seed = MODEL_SEED === undefined ? undefined : Number(MODEL_SEED);

test(`the store does what the model says, over ${sequences} random sequences`, { timeout: 3_600_000 }, async () => {
  const run = await runModel({ sequences, seed, path: MODEL_PATH });
  console.log(`model: ${run.sequences} sequences, ${run.commands} commands, seed ${run.seed}`);
  expect(run.failure).toBeNull();
});

// A path belongs to one of the two.
test.skipIf(MODEL_PATH !== undefined)(
  "shares follow the weights, over a fifth as many",
  { timeout: 3_600_000 },
  async () => {
    const run = await runShares({ sequences: Math.ceil(sequences / 5), seed });
    console.log(`shares: ${run.sequences} sequences, ${run.commands} commands, seed ${run.seed}`);
    expect(run.failure).toBeNull();
  },
);

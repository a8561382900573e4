import { expect, test } from "vitest";
import { runModel } from "./fixtures/run.ts";

const { MODEL_SEQUENCES = "1000", MODEL_SEED, MODEL_PATH } = process.env;

test(`the store does what the model says, over ${MODEL_SEQUENCES} random sequences`, {
  timeout: 3_600_000,
}, async () => {
  const run = await runModel({
    sequences: Number(MODEL_SEQUENCES),
    seed: MODEL_SEED === undefined ? undefined : Number(MODEL_SEED),
    path: MODEL_PATH,
  });
  console.log(`model: ${run.sequences} sequences, ${run.commands} commands, seed ${run.seed}`);
  expect(run.failure).toBeNull();
});

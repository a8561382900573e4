// The long mode of the model check: npm run test:model -- --sequences 10000 [--seed N] [--path P]
import { parseArgs } from "node:util";
import { bin, node } from "./run.mjs";
import { setup } from "./setup.mjs";

const { values } = parseArgs({
  options: { sequences: { type: "string", default: "10000" }, seed: { type: "string" }, path: { type: "string" } },
});
process.env.MODEL_SEQUENCES = values.sequences;
if (values.seed) process.env.MODEL_SEED = values.seed;
if (values.path) process.env.MODEL_PATH = values.path;
const ready = await setup();
process.exitCode =
  ready || (await node([bin("vitest", "vitest"), "run", "test/model", "--disable-console-intercept"])).code;

/** The recorded process: acknowledges jobs through several openings of one queue, then cuts its own power. */
import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Random } from "./random.mjs";
import { DATABASE, open } from "./subject.mjs";

const { folder, seed, synchronous, operations, sessions, checkpointer } = JSON.parse(process.argv[2]);
const random = new Random(seed);
const ledger = openSync(join(folder, "ACK"), "w");
/** @type {string[]} */
const enqueued = [];

/** Records that a caller was told. @param {string[]} lines */
function acknowledge(lines) {
  writeSync(ledger, lines.map((line) => `${line}\n`).join(""));
}

/** @param {Awaited<ReturnType<typeof open>>} queue */
async function enqueue(queue) {
  const lines = await queue.enqueue(random.chance(0.6) ? 1 : 1 + random.below(20));
  acknowledge(lines);
  enqueued.push(...lines);
}

for (let session = 1; session <= sessions; session++) {
  const queue = await open(join(folder, DATABASE), {
    synchronous,
    checkpointPages: random.pick([8, 25, 60]),
    checkpointer,
  });
  for (let operation = 0; operation < operations / sessions; operation++) {
    if (enqueued.length > 0 && random.chance(0.3)) {
      const ids = new Set(Array.from({ length: 1 + random.below(10) }, () => random.pick(enqueued)));
      acknowledge(await queue.complete([...ids]));
    } else {
      await Promise.all(Array.from({ length: random.chance(0.7) ? 1 : 3 }, () => enqueue(queue)));
    }
  }
  if (session < sessions) await queue.close();
}
// The shim ends the process here, between two steps; the last write-ahead log stays behind.
closeSync(openSync(join(folder, "CUT"), "w"));

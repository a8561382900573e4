import { connect } from "queuack";
import { inTurns, median, medianRatio, timed } from "../measure.mjs";
import { floor } from "../systems/floor.mjs";
import { queuackWith } from "../systems/queuack.mjs";

const CONCURRENCY = 10;
const MIB = 1_048_576;

/** By the length of the text in the input; the last is over the limit of the defaults. */
const sizes = [
  { name: "1 KB", bytes: 1_000, jobs: 10_000 },
  { name: "10 KB", bytes: 10_000, jobs: 5_000 },
  { name: "100 KB", bytes: 100_000, jobs: 1_000 },
  { name: "1 MB", bytes: 1_000_000, jobs: 200 },
  { name: "10 MB", bytes: 10_000_000, jobs: 30 },
  { name: "20 MB", bytes: 20_000_000, jobs: 20, payloadLimit: 32 * MIB },
];

/** A text in which nothing repeats. @param {number} length */
function text(length) {
  const letters = new Uint8Array(length);
  let state = 42;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    letters[i] = 97 + ((state >> 16) % 26);
  }
  return Buffer.from(letters).toString("latin1");
}

/**
 * Jobs per second from enqueue to completion.
 * @param {import("../cases.mjs").Session} session
 * @param {number} bytes
 * @param {number} jobs
 */
async function endToEnd(session, bytes, jobs) {
  const body = text(bytes);
  let ran = 0;
  /** @type {() => void} */
  let allRan = () => undefined;
  /** @type {Promise<void>} */
  const over = new Promise((resolve) => {
    allRan = resolve;
  });
  try {
    const seconds = await timed(async () => {
      await session.work(CONCURRENCY, (/** @type {{ body: string }} */ input) => {
        if (input.body.length !== bytes) throw new Error("the payload came back with another length");
        if (++ran === jobs) allRan();
      });
      let next = 0;
      const lines = Array.from({ length: CONCURRENCY }, async () => {
        while (next < jobs) await session.enqueue({ n: next++, body });
      });
      await Promise.all(lines);
      await over;
      await session.settled?.();
    });
    return jobs / seconds;
  } finally {
    await session.close();
  }
}

/** Why a payload beyond the limit is not taken; throws when it is. @param {(typeof sizes)[number]} size */
async function refusal({ bytes }) {
  const q = await connect(":memory:");
  try {
    await q.enqueue("work", { body: text(bytes) });
  } catch (error) {
    return /** @type {import("queuack").QueuackError} */ (error).code;
  } finally {
    await q.close();
  }
  throw new Error(`a payload of ${bytes} bytes was accepted under the default limit`);
}

/** @type {import("../main.mjs").Bench} */
export default {
  name: "payload",
  title: "jobs and bytes per second from enqueue to completion, by the size of the input",
  run: async ({ quick, report, progress }) => {
    const reps = quick ? 1 : 3;
    const count = (/** @type {(typeof sizes)[number]} */ { jobs }) => Math.ceil(quick ? jobs / 10 : jobs);
    const refused = await refusal(sizes[sizes.length - 1]);
    /** @type {Record<string, () => Promise<number>>} */
    const sides = {};
    for (const size of sizes) {
      const roomy = queuackWith({ payloadLimit: size.payloadLimit });
      sides[`${size.name} floor`] = async () => endToEnd(await floor.open(), size.bytes, count(size));
      sides[size.name] = async () => endToEnd(await roomy.open(), size.bytes, count(size));
    }
    const figures = await inTurns(sides, reps, ({ turn, side, figure }) => {
      progress(`payload, turn ${turn + 1} of ${reps}: ${side} ${figure.toFixed(0)} jobs/s`);
    });
    for (const size of sizes) {
      const samples = figures[size.name];
      const conditions = {
        jobs: count(size),
        reps,
        concurrency: CONCURRENCY,
        enqueuesAtOnce: CONCURRENCY,
        payloadLimit:
          size.payloadLimit === undefined ? "default" : `${size.payloadLimit / MIB} MiB, ${refused} by default`,
      };
      const line = { bench: "payload", system: "queuack", durability: /** @type {const} */ ("full"), conditions };
      const bare = figures[`${size.name} floor`];
      const beside = { floor: median(bare), ratio: medianRatio(samples, bare) };
      report({ ...line, case: size.name, value: median(samples), unit: "jobs/s", ...beside, samples });
      const rates = samples.map((perSecond) => (perSecond * size.bytes) / 1e6);
      report({ ...line, case: `${size.name} volume`, value: median(rates), unit: "MB/s", samples: rates });
    }
  },
};

import { join } from "node:path";
import { startChild } from "../children.mjs";
import { removeFolder, temporaryFolder } from "../endings.mjs";
import { inTurns, median, medianRatio } from "../measure.mjs";

const counts = [1, 2, 4, 8];

/** @param {number} count @param {number} seconds */
async function together(count, seconds) {
  const folder = temporaryFolder("processes");
  const path = join(folder, "jobs.db");
  const members = Array.from({ length: count }, () => startChild("member", { path, seconds }));
  await Promise.all(members.map((member) => member.next()));
  for (const member of members) member.send("go");
  /** @type {{ ran: number, enqueued: number }[]} */
  const figures = await Promise.all(members.map((member) => member.next()));
  await Promise.all(members.map((member) => member.ended));
  removeFolder(folder);
  const share = (/** @type {number[]} */ values) => Math.min(...values) / Math.max(...values);
  const ran = figures.map((figure) => figure.ran);
  return {
    total: ran.reduce((sum, one) => sum + one, 0),
    runs: share(ran),
    enqueues: share(figures.map(({ enqueued }) => enqueued)),
  };
}

/** @type {import("../main.mjs").Bench} */
export default {
  name: "processes",
  title: "jobs per second that several processes on one file enqueue and run together, each a producer and a worker",
  run: async ({ quick, report, progress }) => {
    const seconds = quick ? 1 : 5;
    const reps = quick ? 1 : 3;
    const sides = Object.fromEntries(counts.map((count) => [count, () => together(count, seconds)]));
    const figures = await inTurns(sides, reps, ({ turn, side, figure }) => {
      progress(`processes, turn ${turn + 1} of ${reps}: ${side} at ${Math.round(figure.total)} jobs/s`);
    });
    const alone = figures[1].map(({ total }) => total);
    for (const count of counts) {
      const line = { bench: "processes", system: "queuack", durability: /** @type {const} */ ("full") };
      const conditions = { seconds, reps, concurrency: 100, enqueuesAtOnce: 100, ratioTo: "1 process" };
      const totals = figures[count].map(({ total }) => total);
      const ratio = medianRatio(totals, alone);
      report({ ...line, case: `${count}`, value: median(totals), unit: "jobs/s", ratio, samples: totals, conditions });
      for (const key of /** @type {const} */ (["runs", "enqueues"])) {
        if (count === 1) continue;
        const samples = figures[count].map((figure) => figure[key]);
        const name = `${count} slowest/fastest ${key}`;
        report({ ...line, case: name, value: median(samples), unit: "of the fastest's", samples, conditions });
      }
    }
  },
};

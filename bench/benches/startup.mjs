import { existsSync } from "node:fs";
import { join } from "node:path";
import { childFile, root, runNode } from "../children.mjs";
import { removeFolder, temporaryFolder } from "../endings.mjs";
import { inTurns, median, medianRatio } from "../measure.mjs";

const commandLine = join(root, "packages", "cli", "dist", "bin.cjs");
const queuack = import.meta.resolve("queuack");

/** @param {string} source */
const script = (source) => async () => (await runNode(["--input-type=module", "--eval", source])).ms;

/** @returns {Promise<{ import: number, finished: number, ms: number }>} */
async function firstJob() {
  const folder = temporaryFolder("startup");
  const { stdout, ms } = await runNode([childFile("first-job"), join(folder, "jobs.db")]);
  removeFolder(folder);
  return { ...JSON.parse(stdout), ms };
}

/** @type {import("../main.mjs").Bench} */
export default {
  name: "startup",
  title:
    "milliseconds from the start of a process to its end, and within one from the import to the first finished job",
  run: async ({ quick, report, progress }) => {
    const reps = quick ? 3 : 15;
    const isBuilt = existsSync(commandLine);
    /** @type {Awaited<ReturnType<typeof firstJob>>[]} */
    const firstJobs = [];
    /** @type {Record<string, () => Promise<number>>} */
    const sides = {
      "node -e 0": script("0"),
      "import queuack": script(`await import(${JSON.stringify(queuack)})`),
      "first job": async () => {
        const figures = await firstJob();
        firstJobs.push(figures);
        return figures.ms;
      },
      ...(isBuilt && { "queuack --help": async () => (await runNode([commandLine, "--help"])).ms }),
    };
    const figures = await inTurns(sides, reps, ({ turn, side }) => {
      if (side === "first job") progress(`startup, turn ${turn + 1} of ${reps}`);
    });
    const whats = {
      "node -e 0": "the whole process",
      "import queuack": "the whole process",
      "first job": "the whole process: a new file, a worker, one job, its result, close",
      "queuack --help": "the whole process",
    };
    const bare = figures["node -e 0"];
    const tell = (
      /** @type {string} */ name,
      /** @type {number[]} */ samples,
      /** @type {string} */ what,
      /** @type {number[] | undefined} */ floor = undefined,
    ) =>
      report({
        bench: "startup",
        case: name,
        value: median(samples),
        unit: "ms",
        ...(floor && { floor: median(floor), ratio: medianRatio(samples, floor) }),
        samples,
        conditions: { what, reps, floor: "node -e 0" },
      });
    for (const [name, what] of Object.entries(whats)) {
      if (name in figures) tell(name, figures[name], what, name === "node -e 0" ? undefined : bare);
      else report({ bench: "startup", case: name, missing: "packages/cli is not built" });
    }
    tell(
      "import, inside",
      firstJobs.map((one) => one.import),
      "within the process, from before the import to its end",
    );
    tell(
      "import to first finished job",
      firstJobs.map((one) => one.finished),
      "within the process, from before the import to the job's result, in a new file",
    );
  },
};

/** The power-cut test: record once, cut at many moments, open every image. See README.md. */
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Disk } from "./disk.mjs";
import { composeImage, drawCuts, survey, writeImage } from "./images.mjs";
import { CannotRecord, compileShim, readLog, runWriter } from "./record.mjs";
import { check, DATABASE } from "./subject.mjs";

const SHOWN_FAILURES = 5;
const MAX_ROUNDS = 20;

const { values: flags } = parseArgs({
  options: {
    images: { type: "string", default: "2000" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    synchronous: { type: "string", default: "FULL" },
    operations: { type: "string", default: "600" },
    sessions: { type: "string", default: "3" },
    checkpointer: { type: "boolean", default: false },
    "expect-losses": { type: "boolean", default: false },
    "lying-disk": { type: "string" },
    "no-skip": { type: "boolean", default: false },
    log: { type: "string" },
    only: { type: "string" },
    keep: { type: "boolean", default: false },
  },
});
const seed = Number(flags.seed);
const synchronous = /** @type {"FULL" | "NORMAL"} */ (flags.synchronous);
if (synchronous !== "FULL" && synchronous !== "NORMAL") throw new Error("--synchronous is FULL or NORMAL");

/** Seconds since a time, for people. @param {number} start */
const since = (start) => `${((performance.now() - start) / 1000).toFixed(1)} s`;

/** Records a writer, or takes an earlier log; gives its steps. @param {string} work */
function record(work) {
  if (flags.log !== undefined) return { steps: readLog(flags.log), folder: undefined };
  const folder = join(work, "recorded");
  const log = join(work, "log");
  mkdirSync(folder);
  const plan = {
    seed,
    synchronous,
    operations: Number(flags.operations),
    sessions: Number(flags.sessions),
    checkpointer: flags.checkpointer,
  };
  runWriter({ shim: compileShim(work), folder, log, plan });
  return { steps: readLog(log), folder };
}

/**
 * @param {string} work for the recording: on a disk, where an fsync takes its time and other threads write meanwhile
 * @param {string} image for one image after another: in memory if possible
 * @returns {Promise<boolean>} whether the run proved what it should
 */
async function run(work, image) {
  let start = performance.now();
  const { steps, folder } = record(work);
  const { disk: end, moments, counts } = survey(steps);
  console.log(`power cut: synchronous=${synchronous} seed=${seed}`);
  console.log(
    `recorded: ${counts.writes} writes, ${counts.syncs} fsyncs, ${counts.names} changes of names, ${counts.checkpoints} checkpoints, ` +
      `${counts.restarts} restarts of the log, ${end.acknowledged.length} acknowledgements (${since(start)})`,
  );
  if (counts.checkpoints < 5 || counts.restarts < 5)
    throw new Error("too few checkpoints were recorded for the images to prove anything");
  if (folder !== undefined) {
    const { files, bytes } = end.assertEquals(folder);
    console.log(`the log rebuilds the real files byte for byte: ${files.join(", ")} (${bytes} bytes)`);
    const killed = await check(join(folder, DATABASE), end.acknowledged, { synchronous });
    if (killed.corruption || killed.lost.length + killed.half.length > 0)
      throw new Error(`a kill alone lost jobs: ${JSON.stringify(killed).slice(0, 500)}`);
  }

  start = performance.now();
  const totals = await checkImages(steps, moments, image);
  console.log(
    `images: ${totals.distinct} distinct ones (${Object.entries(totals.kinds)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(", ")}), ` + `${totals.checks} checks, as a later cut may leave the same bytes with more acknowledged`,
  );
  console.log(
    `corrupted: ${totals.corrupted} images; half a job: ${totals.half} images; ` +
      `lost: ${totals.lost} acknowledgements in ${totals.lossy} images (${since(start)})`,
  );
  if (flags["expect-losses"]) return totals.lost > 0 && totals.corrupted + totals.half === 0;
  return totals.lost + totals.corrupted + totals.half === 0;
}

/**
 * Cuts, in rounds, until enough distinct images were opened.
 * @param {import("./record.mjs").Step[]} steps @param {Record<string, number[]>} moments @param {string} image
 */
async function checkImages(steps, moments, image) {
  const totals = {
    distinct: 0,
    checks: 0,
    corrupted: 0,
    lossy: 0,
    lost: 0,
    half: 0,
    kinds: /** @type {Record<string, number>} */ ({}),
  };
  const wanted = flags.only === undefined ? Number(flags.images) : 1;
  const images = new Set();
  const checks = new Set();
  let next = Number(flags.only ?? 0);
  let failures = 0;
  for (let round = 0; images.size < wanted; round++) {
    if (round === MAX_ROUNDS)
      throw new Error(`only ${images.size} distinct images could be drawn: record more --operations`);
    const cuts = drawCuts(moments, next, wanted, seed);
    next += wanted;
    const disk = new Disk(flags["lying-disk"]);
    for (const cut of cuts) {
      while (disk.now < cut.at) disk.advance(steps[disk.now]);
      const { files, digest } = composeImage(disk, seed, cut.image);
      const known = checks.size;
      if (checks.add(`${digest} ${disk.acknowledged.length}`).size === known) continue;
      if (!images.has(digest)) totals.kinds[cut.kind] = (totals.kinds[cut.kind] ?? 0) + 1;
      images.add(digest);
      writeImage(image, files);
      const found = await check(join(image, DATABASE), disk.acknowledged, { synchronous });
      totals.corrupted += found.corruption === undefined ? 0 : 1;
      totals.lossy += found.lost.length > 0 ? 1 : 0;
      totals.lost += found.lost.length;
      totals.half += found.half.length > 0 ? 1 : 0;
      if (
        (found.corruption !== undefined || found.lost.length + found.half.length > 0) &&
        failures++ < SHOWN_FAILURES
      ) {
        console.log(
          `  image ${cut.image}, cut at step ${cut.at} (${cut.kind}), ${disk.acknowledged.length} acknowledged: ` +
            (found.corruption ?? `lost ${summary(found.lost)}; half ${summary(found.half)}`),
        );
      }
    }
  }
  return { ...totals, distinct: images.size, checks: checks.size };
}

/** The first few of many, for people. @param {string[]} items */
function summary(items) {
  return items.length === 0
    ? "none"
    : `${items.length} (${items.slice(0, 3).join(", ")}${items.length > 3 ? ", …" : ""})`;
}

const memory = "/dev/shm";
const work = realpathSync(mkdtempSync(join(tmpdir(), "powercut-")));
const image = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "powercut-image-"));
let keep = flags.keep;
try {
  const passed = await run(work, image);
  console.log(passed ? "passed" : "FAILED");
  process.exitCode = passed ? 0 : 1;
  keep ||= !passed && flags.log === undefined;
} catch (error) {
  if (!(error instanceof CannotRecord)) {
    keep = true;
    throw error;
  }
  console.log(`skipped: 1 test (${error.message})`);
  process.exitCode = flags["no-skip"] ? 1 : 0;
} finally {
  if (!keep) for (const folder of [work, image]) rmSync(folder, { recursive: true, force: true });
  else {
    const log = flags.log ?? join(work, "log");
    const lies = flags["lying-disk"] === undefined ? "" : ` --lying-disk=${flags["lying-disk"]}`;
    console.log(`kept: ${work} and the last image, ${image}`);
    console.log(`replay: --log ${log} --seed ${seed} --synchronous ${synchronous}${lies} [--only <image> --keep]`);
  }
}

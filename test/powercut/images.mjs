/** Chooses the moments of the cuts, and what a disk may hold after each. */
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { applyNames, Disk } from "./disk.mjs";
import { Random } from "./random.mjs";

/** @typedef {import("./record.mjs").Step} Step */
/** @typedef {import("./disk.mjs").File} File */
/** @typedef {import("./disk.mjs").Content} Content */

const SECTOR_BYTES = 512;
const STRATEGIES = ["none", "all", "prefix", "suffix", "all-but-one", "subset", "torn", "mixed"];

/**
 * Walks the whole log once: what happened, how often, and which moments are worth a cut.
 * @param {Step[]} steps
 */
export function survey(steps) {
  const disk = new Disk();
  /** @type {Record<string, number[]>} */
  const moments = { sync: [], acknowledgement: [], checkpoint: [], restart: [], names: [], anywhere: [] };
  const counts = { writes: 0, syncs: 0, names: 0, checkpoints: 0, restarts: 0 };
  const dirty = new Set();
  steps.forEach((step, at) => {
    const namesBefore = disk.pendingNames.length;
    const path = disk.advance(step);
    const isLogFile = path.endsWith("-wal");
    const isDatabase = !isLogFile && !path.endsWith("-journal") && disk.names.has(`${path}-wal`);
    moments.anywhere.push(at + 1);
    if (path === "ACK") {
      if (step.op === "write") moments.acknowledgement.push(at, at + 1);
      return;
    }
    if (step.op === "write") counts.writes++;
    if (step.op === "sync-end") counts.syncs++;
    if (step.op.startsWith("sync")) moments.sync.push(at, at + 1);
    if (isDatabase && step.op === "write") {
      moments.checkpoint.push(at + 1);
      dirty.add(path);
    }
    if (isDatabase && step.op === "sync-end" && dirty.delete(path)) {
      counts.checkpoints++;
      moments.checkpoint.push(at, at + 1);
    }
    if (isLogFile && (step.op === "truncate" || (step.op === "write" && step.offset === 0))) {
      counts.restarts++;
      moments.restart.push(at, at + 1, at + 2, at + 3, at + 4);
    }
    if (disk.pendingNames.length > namesBefore) {
      counts.names++;
      moments.names.push(at, at + 1, at + 2, at + 3, at + 4);
    }
  });
  for (const name of Object.keys(moments)) moments[name] = moments[name].filter((at) => at <= steps.length);
  return { disk, moments, counts };
}

/**
 * Draws cuts, in the order of time. Seed and number alone decide a cut.
 * @param {Record<string, number[]>} moments @param {number} first the first image's number @param {number} count @param {number} seed
 * @returns {{ image: number, kind: string, at: number }[]} `at`: how many steps had happened
 */
export function drawCuts(moments, first, count, seed) {
  const kinds = Object.keys(moments).filter((kind) => moments[kind].length > 0);
  return Array.from({ length: count }, (_, index) => {
    const image = first + index;
    const random = new Random(seed, 2 * image);
    const kind = random.pick(kinds);
    return { image, kind, at: random.pick(moments[kind]) };
  }).sort((one, other) => one.at - other.at);
}

/**
 * Composes one image of the disk at its present moment. Seed and number decide every fate.
 * @param {Disk} disk @param {number} seed @param {number} image
 * @returns {{ files: Map<string, Buffer>, digest: string }} bytes by path, and what tells this image from another
 */
export function composeImage(disk, seed, image) {
  const random = new Random(seed, 2 * image + 1);
  const names = new Map(disk.durableNames);
  const changes = fates(disk.pendingNames.length, random).map(
    (fate) => fate === "whole" || (fate === "torn" && random.chance(0.5)),
  );
  for (const [index, change] of disk.pendingNames.entries()) if (changes[index]) applyNames(names, change.changes);
  names.delete("ACK");
  /** @type {Map<string, Buffer>} */
  const files = new Map();
  const hash = createHash("sha1");
  for (const path of [...names.keys()].sort()) {
    const { bytes } = surviving(names.get(path), random);
    files.set(path, bytes);
    hash.update(`${path} ${bytes.length}\n`).update(bytes);
  }
  return { files, digest: hash.digest("hex") };
}

/** Replaces a folder by an image. @param {string} folder @param {Map<string, Buffer>} files */
export function writeImage(folder, files) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [path, bytes] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), bytes);
  }
}

/** What a disk may hold of one file. @param {File} file @param {Random} random @returns {Content} */
function surviving(file, random) {
  const content = file.durable.copy();
  const chosen = fates(file.pending.length, random).map((fate, index) => ({ fate, step: file.pending[index].step }));
  for (const { fate, step } of random.chance(0.25) ? random.shuffled(chosen) : chosen) {
    if (fate === "whole" || (fate === "torn" && step.op === "truncate" && random.chance(0.5))) content.apply(step);
    else if (fate === "torn" && step.op === "write") tear(content, step, file, random);
  }
  return content;
}

/**
 * One fate for each step that is not durable yet, under a strategy drawn for all of them.
 * @param {number} count @param {Random} random @returns {("lost" | "whole" | "torn")[]}
 */
function fates(count, random) {
  const strategy = random.pick(STRATEGIES);
  const edge = random.below(count + 1);
  const likelihood = random.pick([0.05, 0.3, 0.5, 0.7, 0.95]);
  return Array.from({ length: count }, (_, index) => {
    switch (strategy) {
      case "none":
        return "lost";
      case "all":
        return "whole";
      case "prefix":
        return index < edge ? "whole" : index === edge ? "torn" : "lost";
      case "suffix":
        return index > edge ? "whole" : index === edge ? "torn" : "lost";
      case "all-but-one":
        return index === edge ? random.pick(["lost", "torn"]) : "whole";
      case "subset":
        return random.chance(likelihood) ? "whole" : "lost";
      case "torn":
        return random.chance(likelihood) ? "torn" : "whole";
      default:
        return random.pick(["lost", "whole", "torn"]);
    }
  });
}

/** Lets some sectors of a write reach the disk. @param {Content} content @param {Step} step @param {File} file @param {Random} random */
function tear(content, step, file, random) {
  const end = step.offset + step.data.length;
  const first = Math.floor(step.offset / SECTOR_BYTES);
  const sectors = Math.ceil(end / SECTOR_BYTES) - first;
  const edge = random.below(sectors + 1);
  const landed = random.pick([(sector) => sector < edge, (sector) => sector >= edge, () => random.chance(0.5)]);
  if (end > content.length && random.chance(0.5)) extend(content, end, file, random);
  for (let sector = 0; sector < sectors; sector++) {
    if (!landed(sector)) continue;
    const from = Math.max(step.offset, (first + sector) * SECTOR_BYTES);
    const to = Math.min(end, (first + sector + 1) * SECTOR_BYTES);
    content.write(from, step.data.subarray(from - step.offset, to - step.offset));
  }
}

/** Grows a file whose new blocks hold zeros, an old write of the same file, or noise. @param {Content} content @param {number} end @param {File} file @param {Random} random */
function extend(content, end, file, random) {
  const start = content.length;
  content.resize(end);
  const filler = random.pick(["zeros", "zeros", "stale", "noise"]);
  if (filler === "noise") random.fill(content.bytes.subarray(start));
  if (filler === "stale") content.bytes.set(random.pick(file.history).data.subarray(0, end - start), start);
}

import { beeQueue } from "./bee-queue.mjs";
import { bullmq } from "./bullmq.mjs";
import { graphileWorker } from "./graphile-worker.mjs";
import { pgBoss } from "./pg-boss.mjs";
import { plainjob } from "./plainjob.mjs";
import { queuack, queuackRelaxed } from "./queuack.mjs";

/** Queuack in both of its classes of durability, and its peers. @type {readonly import("../cases.mjs").System[]} */
export const peers = [queuack, queuackRelaxed, ...bullmq, ...beeQueue, ...pgBoss, ...graphileWorker, ...plainjob];

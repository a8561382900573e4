import { caching } from "./caching.ts";
import { changing } from "./changes.ts";
import { claimOrder } from "./claim-order.ts";
import { claimRaces } from "./claim-races.ts";
import { fairness } from "./fairness.ts";
import { fencing } from "./fencing.ts";
import { flowLimits } from "./flow-limits.ts";
import type { StoreHarness, TestRunner } from "./harness.ts";
import { history } from "./history.ts";
import { insertion } from "./insertion.ts";
import { leases } from "./leases.ts";
import { limits } from "./limits.ts";
import { listing } from "./listing.ts";
import { queues } from "./queues.ts";
import { records } from "./records.ts";
import { settlement } from "./settlement.ts";
import { sharing } from "./sharing.ts";
import { Suite } from "./suite.ts";
import { sweeping } from "./sweeping.ts";
import { time } from "./time.ts";
import { uniqueness } from "./uniqueness.ts";
import { workers } from "./workers.ts";

export type { OpenedStore, StoreHarness, TestRunner } from "./harness.ts";

const behaviours = {
  insertion,
  limits,
  "the order of claims": claimOrder,
  "claims at the same time": claimRaces,
  "flow limits": flowLimits,
  fairness,
  uniqueness,
  fencing,
  leases,
  settlement,
  time,
  changes: changing,
  listing,
  history,
  queues,
  sweeping,
  workers,
  records,
  sharing,
  "the cache": caching,
};

/**
 * The tests that every store must pass, to be run by any test runner:
 *
 * ```ts
 * import { describe, test } from "vitest";
 * storeConformance(harness, { describe, test });
 * ```
 *
 * What does not apply to the store's capabilities is registered as skipped, with the reason in its title.
 */
export function storeConformance(harness: StoreHarness, runner: TestRunner): void {
  const suite = new Suite(harness, runner);
  suite.describe(`${harness.name}: a store`, () => {
    for (const [name, register] of Object.entries(behaviours)) suite.describe(name, () => register(suite));
  });
}

export {
  type OpenedStore,
  type StoreHarness,
  storeConformance,
  type TestRunner,
} from "../storage/conformance/index.ts";
export { type DrainOptions, drain } from "./drain.ts";
export type { DrainFailure, DrainSummary } from "./drain-watch.ts";
export { type ExpectedJobs, expectEnqueued, expectNotEnqueued } from "./expect-enqueued.ts";
export type { ExpectedJob } from "./expected-job.ts";
export { FakeClock, type FakeClockOptions } from "./fake-clock.ts";
export type { ExpectedInput, PartialDeep } from "./input-match.ts";
export { type JobRun, type RecordedJob, type RunJobOptions, runJob } from "./run-job.ts";
export { type TestQueue, type TestQueueOptions, testQueue } from "./test-queue.ts";

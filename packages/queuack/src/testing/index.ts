export {
  type OpenedStore,
  type StoreHarness,
  storeConformance,
  type TestRunner,
} from "../storage/conformance/index.ts";
export { FakeClock, type FakeClockOptions } from "./fake-clock.ts";

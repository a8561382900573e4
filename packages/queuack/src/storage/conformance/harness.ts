import type { Clock } from "../../core/clock.ts";
import type { Store, StoreCapabilities } from "../store.ts";

/** A store under test: how to open it, and what applies to it. */
export interface StoreHarness {
  /** Names the store in the titles of the tests. */
  readonly name: string;
  /** What the store says of itself; known before it is opened, so that what does not apply is skipped by name. */
  readonly capabilities: StoreCapabilities;
  /** Opens a fresh, empty store on a clock. */
  open(params: { readonly clock: Clock }): Promise<OpenedStore>;
}

/** A fresh store with the ways to look at its data from elsewhere. */
export interface OpenedStore {
  readonly store: Store;
  /** Closes the store and opens the same data anew; there when `capabilities.persistent`. */
  reopen?(): Promise<Store>;
  /** Opens another handle on the same data; there when `capabilities.shared`. */
  second?(): Promise<Store>;
  /** What is wrong in the tables, one line each; called after every test, and must then be empty. */
  verify(): Promise<readonly string[]>;
  /** Closes every handle and clears the data away. */
  dispose(): Promise<void>;
}

/** What the suite asks of a test runner: that of vitest, of node:test and their like. */
export interface TestRunner {
  describe(name: string, body: () => void): unknown;
  readonly test: {
    (name: string, body: () => Promise<void>): unknown;
    skip(name: string, body: () => Promise<void>): unknown;
  };
}

import assert from "node:assert/strict";
import { FakeClock } from "../../testing/fake-clock.ts";
import type { StoreHarness, TestRunner } from "./harness.ts";
import { Scene } from "./scene.ts";

/** What a test needs of a store beyond the ordinary. */
export type Need = "persistent" | "shared" | "ordered";

const reasons: Readonly<Record<Need, string>> = {
  persistent: "this store ends with its process",
  shared: "this store can't be opened twice",
  ordered: "this store may do later what was asked for sooner",
};

/** Registers the tests of one behaviour: each gets a fresh store, which must be whole when the test is over. */
export class Suite {
  readonly #harness: StoreHarness;
  readonly #runner: TestRunner;

  constructor(harness: StoreHarness, runner: TestRunner) {
    this.#harness = harness;
    this.#runner = runner;
  }

  describe(name: string, body: () => void): void {
    this.#runner.describe(name, body);
  }

  /** A test that every store must pass. */
  test(name: string, body: (scene: Scene) => Promise<void>): void {
    this.#runner.test(name, () => this.#play(body));
  }

  /** A test for stores that have what it needs; for the others it is skipped, with the reason in its title. */
  testIf(need: Need, name: string, body: (scene: Scene) => Promise<void>): void {
    if (this.#harness.capabilities[need]) this.test(name, body);
    else this.#runner.test.skip(`${name} (skipped: ${reasons[need]})`, () => this.#play(body));
  }

  async #play(body: (scene: Scene) => Promise<void>): Promise<void> {
    const clock = new FakeClock();
    const opened = await this.#harness.open({ clock });
    try {
      const scene = new Scene(opened, clock);
      await body(scene);
      assert.deepEqual(await opened.verify(), [], "the tables must be whole when a test is over");
    } finally {
      await opened.dispose();
    }
  }
}

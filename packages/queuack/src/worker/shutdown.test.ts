import { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import { onShutdownSignal } from "./shutdown.ts";

class FakeProcess extends EventEmitter {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

test("the first signal asks, a second of either kind ends the process with the signal's code", () => {
  const source = new FakeProcess();
  let asked = 0;
  onShutdownSignal(source, () => asked++);
  source.emit("SIGTERM");
  expect([asked, source.exits]).toEqual([1, []]);
  source.emit("SIGINT");
  expect(source.exits).toEqual([130]);
  source.emit("SIGTERM");
  expect(source.exits).toEqual([130, 143]);
});

test("no listener is left behind", () => {
  const source = new FakeProcess();
  const stop = onShutdownSignal(source, () => undefined);
  stop();
  expect(source.listenerCount("SIGTERM") + source.listenerCount("SIGINT")).toBe(0);
});

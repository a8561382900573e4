import { expect, test } from "vitest";
import type { EventFilter, QueueEvent } from "../core/events.ts";
import { EventHub } from "./event-hub.ts";

const errors: unknown[] = [];
const hub = () => new EventHub((error) => errors.push(error));
const enqueued: QueueEvent = { name: "job:enqueued", id: "1", tenant: "t", queue: "q", task: "mail", at: 5 };
const paused: QueueEvent = { name: "queue:paused", tenant: "t", queue: "q", at: 5 };
const lost: QueueEvent = { name: "worker:lost", worker: "w", at: 5 };

test.each<[string, EventFilter, QueueEvent[]]>([
  ["no filter hears everything", {}, [enqueued, paused, lost]],
  ["by name", { names: ["worker:lost", "queue:paused"] }, [paused, lost]],
  ["by tenant", { tenant: "t" }, [enqueued, paused]],
  ["by another tenant", { tenant: "other" }, []],
  ["by queue", { queues: ["q", "r"] }, [enqueued, paused]],
  ["by task: what has none does not match", { tasks: ["mail"] }, [enqueued]],
  ["by id", { ids: ["1"] }, [enqueued]],
  ["all conditions must hold", { ids: ["1"], tasks: ["other"] }, []],
])("%s", (_, filter, expected) => {
  const heard: QueueEvent[] = [];
  const events = hub();
  events.subscribe(filter, (event) => heard.push(event));
  for (const event of [enqueued, paused, lost]) events.emit(event);
  expect(heard).toEqual(expected);
});

test("a listener that throws harms nobody else, and is reported", () => {
  const heard: QueueEvent[] = [];
  const events = hub();
  events.subscribe({}, () => {
    throw new Error("mine");
  });
  events.subscribe({}, (event) => heard.push(event));
  events.emit(lost);
  expect(heard).toEqual([lost]);
  expect(errors).toMatchObject([{ message: "mine" }]);
});

test("hears nothing any more once it has stopped", () => {
  const heard: QueueEvent[] = [];
  const events = hub();
  const stop = events.subscribe({ names: ["worker:lost"] }, (event) => heard.push(event));
  expect([events.hears("worker:lost"), events.hears("job:enqueued")]).toEqual([true, false]);
  stop();
  events.emit(lost);
  expect(heard).toEqual([]);
  expect(events.hears("worker:lost")).toBe(false);
});

import type { EventFilter, EventName, QueueEvent, QueueEvents } from "../core/events.ts";
import type { Broker } from "../engine/broker.ts";

/** How a listener of one kind of event is called. */
export type EventListener<Name extends EventName> = (event: { readonly name: Name } & QueueEvents[Name]) => unknown;

/**
 * Events as a bounded sequence: a reader that is too slow never slows the queue, it misses the oldest and is told how many.
 */
export class EventStream implements AsyncIterableIterator<QueueEvent> {
  readonly #limit: number;
  readonly #now: () => number;
  readonly #unsubscribe: () => void;
  readonly #onClose: () => void;
  #buffer: QueueEvent[] = [];
  #read = 0;
  #missed = 0;
  #wakes: (() => void)[] = [];
  #closed = false;

  constructor(broker: Broker, filter: EventFilter, params: { limit: number; now: () => number; onClose: () => void }) {
    this.#limit = params.limit;
    this.#now = params.now;
    this.#onClose = params.onClose;
    this.#unsubscribe = broker.subscribe(filter, (event) => this.#push(event));
  }

  async next(): Promise<IteratorResult<QueueEvent>> {
    for (;;) {
      if (this.#missed > 0) {
        const missed = this.#missed;
        this.#missed = 0;
        return { done: false, value: { name: "events:missed", missed, at: this.#now() } };
      }
      const event = this.#buffer[this.#read];
      if (event !== undefined) {
        this.#read++;
        this.#cut();
        return { done: false, value: event };
      }
      if (this.#closed) return { done: true, value: undefined };
      await new Promise<void>((resolve) => this.#wakes.push(resolve));
    }
  }

  /** Stops listening; what is buffered can still be read. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#onClose();
    this.#wake();
  }

  async return(): Promise<IteratorResult<QueueEvent>> {
    this.close();
    this.#buffer = [];
    this.#read = 0;
    this.#missed = 0;
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #push(event: QueueEvent): void {
    if (this.#buffer.length - this.#read >= this.#limit) {
      this.#read++;
      this.#missed++;
      this.#cut();
    }
    this.#buffer.push(event);
    this.#wake();
  }

  /** Cuts off what was read or missed, now and then: taking from the front of a long array would copy it every time. */
  #cut(): void {
    if (this.#read < 1_024 && this.#read < this.#buffer.length) return;
    this.#buffer = this.#buffer.slice(this.#read);
    this.#read = 0;
  }

  #wake(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}

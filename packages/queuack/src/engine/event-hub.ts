import type { EventFilter, EventName, QueueEvent } from "../core/events.ts";

/** Tells listeners of events, in order. Costs nothing while nobody listens. */
export class EventHub {
  readonly #listeners = new Set<{ readonly filter: EventFilter; readonly listener: (event: QueueEvent) => void }>();
  readonly #onError: (error: unknown) => void;

  /** @param onError what to do with what a listener throws */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Whether anybody would hear an event of this name: to be asked before one is made. */
  hears(name: EventName): boolean {
    for (const { filter } of this.#listeners)
      if (filter.names === undefined || filter.names.includes(name)) return true;
    return false;
  }

  /** Tells everybody whose filter matches. A listener that throws harms nobody else. */
  emit(event: QueueEvent): void {
    for (const { filter, listener } of this.#listeners) {
      if (!matches(filter, event)) continue;
      try {
        listener(event);
      } catch (error) {
        this.#onError(error);
      }
    }
  }

  subscribe(filter: EventFilter, listener: (event: QueueEvent) => void): () => void {
    const entry = { filter, listener };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }
}

/** Whether an event is one that the filter asks for; a condition on something that the event lacks does not match. */
function matches({ names, ids, tenant, queues, tasks }: EventFilter, event: QueueEvent): boolean {
  const facts: { name: EventName; id?: string; tenant?: string; queue?: string; task?: string } = event;
  return (
    (names === undefined || names.includes(event.name)) &&
    (ids === undefined || (facts.id !== undefined && ids.includes(facts.id))) &&
    (tenant === undefined || facts.tenant === tenant) &&
    (queues === undefined || (facts.queue !== undefined && queues.includes(facts.queue))) &&
    (tasks === undefined || (facts.task !== undefined && tasks.includes(facts.task)))
  );
}

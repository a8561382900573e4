/** Reads an iterable, and says before the next item is wanted whether there is one. */
export class Ahead<Item> {
  readonly #items: Iterator<Item>;
  /** What was read ahead: an item, or what reading it threw. */
  #ahead: (() => IteratorResult<Item>) | undefined;
  #done = false;

  constructor(items: Iterable<Item>) {
    this.#items = items[Symbol.iterator]();
  }

  /** The next item, or that there is none. @throws what the iteration throws */
  next(): IteratorResult<Item> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const item = ahead === undefined ? this.#items.next() : ahead();
    if (item.done) this.#done = true;
    return item;
  }

  /** Whether more comes, or an error in its place: that is thrown by `next`. */
  get more(): boolean {
    if (this.#ahead !== undefined || this.#done) return !this.#done;
    try {
      const item = this.next();
      this.#ahead = () => item;
    } catch (error) {
      this.#ahead = () => {
        throw error;
      };
    }
    return !this.#done;
  }

  /** Lets go of what was not read to its end. */
  close(): void {
    if (this.#done) return;
    this.#done = true;
    this.#items.return?.();
  }
}

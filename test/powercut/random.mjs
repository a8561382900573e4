/** A seeded source of choices (mulberry32): the same seed and stream give the same choices. */
export class Random {
  #state;

  /** @param {number} seed @param {number} [stream] an independent sequence under the same seed */
  constructor(seed, stream = 0) {
    this.#state = (Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) >>> 0;
    this.#next();
  }

  #next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** A whole number from 0 to below `limit`. @param {number} limit */
  below(limit) {
    return Math.floor((this.#next() / 2 ** 32) * limit);
  }

  /** True with this probability. @param {number} probability */
  chance(probability) {
    return this.#next() / 2 ** 32 < probability;
  }

  /** @template T @param {readonly T[]} choices @returns {T} */
  pick(choices) {
    return choices[this.below(choices.length)];
  }

  /** A shuffled copy. @template T @param {readonly T[]} items @returns {T[]} */
  shuffled(items) {
    const copy = [...items];
    for (let last = copy.length - 1; last > 0; last--) {
      const other = this.below(last + 1);
      [copy[last], copy[other]] = [copy[other], copy[last]];
    }
    return copy;
  }

  /** Fills bytes with noise. @param {Uint8Array} bytes */
  fill(bytes) {
    for (let index = 0; index < bytes.length; index++) bytes[index] = this.#next();
  }
}

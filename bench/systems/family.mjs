import { randomUUID } from "node:crypto";

/**
 * Parents that are waited for by their handler: their jobs carry a mark, and `handle` tells them from the others.
 * @param {() => (input: any) => void | Promise<void>} handler what runs the other jobs
 */
export function families(handler) {
  /** @type {Map<string, () => void>} */
  const waiting = new Map();
  return {
    /** The input of a new parent, and the promise of its end. @returns {{ input: { parent: string }, over: Promise<void> }} */
    begin: () => {
      const input = { parent: randomUUID() };
      const over = /** @type {Promise<void>} */ (
        new Promise((resolve) => waiting.set(input.parent, () => resolve(undefined)))
      );
      return { input, over };
    },
    /** Runs a job of either kind. @param {any} input */
    handle: (input) => {
      const end = waiting.get(input?.parent);
      if (end === undefined) return handler()(input);
      waiting.delete(input.parent);
      end();
    },
  };
}

/**
 * What a piece of work answers, if it ends in time.
 * @template Result
 * @param {number} ms
 * @param {() => Promise<Result>} work
 * @returns {Promise<Result>}
 * @throws when it takes longer; it is not stopped by that
 */
export async function within(ms, work) {
  /** @type {NodeJS.Timeout | undefined} */
  let timer;
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([work(), late]);
  } finally {
    clearTimeout(timer);
  }
}

import { task } from "queuack";

/** Counts prime numbers, in a thread of its own. */
export const countPrimes = task({
  name: "count-primes",
  isolation: "thread",
  module: import.meta.url,
  run: ({ input }: { input: { below: number } }) => {
    let primes = 0;
    for (let n = 2; n < input.below; n++) if (isPrime(n)) primes++;
    return primes;
  },
});

/** Spins until it is ended. */
export const forever = task({
  name: "forever",
  isolation: "thread",
  module: import.meta.url,
  run: () => {
    for (;;);
  },
});

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) if (n % divisor === 0) return false;
  return true;
}

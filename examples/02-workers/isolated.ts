// Work that keeps a core busy belongs into a thread or process of its own: there it can spin without holding up heartbeats
// and neighbours, and when it takes too long it is really ended. The task says where it lives (tasks/primes.ts), since no
// function is ever sent anywhere.
//
// Prints:
//   primes below 200000: 17984
//   meanwhile the event loop was free: true
//   one that never ends: timed_out
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "queuack";
import { countPrimes, forever } from "./tasks/primes.ts";

const q = await connect(":memory:");
await q.worker({ tasks: [countPrimes, forever], isolation: { killGrace: "100ms" } }).start();

const job = await q.enqueue(countPrimes, { below: 200_000 });
let ticks = 0;
let counting = true;
const counted = job.result({ timeout: "60s" }).finally(() => {
  counting = false;
});
while (counting) {
  await sleep(1);
  ticks++;
}
console.log(`primes below 200000: ${await counted}`);
console.log(`meanwhile the event loop was free: ${ticks > 5}`);

const endless = await q.enqueue(forever, undefined, { timeout: "200ms", maxAttempts: 1 });
await endless.result({ timeout: "60s" }).catch(() => undefined);
console.log(`one that never ends: ${(await endless.get()).outcome}`);
await q.close();

// A health check for an orchestrator: is a worker alive, has it said so lately, and does work wait too long? Figures cost the
// same however many jobs there are, so the check may be asked often. It listens on loopback alone.
//
// Prints:
//   200 {"healthy":true,"workers":1,"waiting":0,"oldestMs":0}
//   503 {"healthy":false,"workers":0,"waiting":2,"oldestMs":60000}
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, task } from "queuack";
import { FakeClock } from "queuack/testing";

// Only so that a minute passes at once here; a service leaves the clock out.
const clock = new FakeClock();
const q = await connect(":memory:", { clock });

async function health() {
  const now = clock.now();
  const workers = (await q.listWorkers()).filter(({ state, beatAt }) => state === "running" && now - beatAt < 30_000);
  const queues = await q.stats();
  const oldestMs = Math.max(0, ...queues.map(({ oldestAvailableAt }) => now - (oldestAvailableAt ?? now)));
  const waiting = queues.reduce((sum, { counts }) => sum + counts.available, 0);
  return { healthy: workers.length > 0 && oldestMs < 30_000, workers: workers.length, waiting, oldestMs };
}

const server = createServer((_, response) => {
  health().then(
    (state) => response.writeHead(state.healthy ? 200 : 503).end(JSON.stringify(state)),
    (error: Error) => response.writeHead(503).end(error.message),
  );
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/healthz`;
const ask = async () => {
  const response = await fetch(url);
  console.log(response.status, await response.text());
};

const ping = task({ name: "ping", run: () => "pong" });
const worker = q.worker({ tasks: [ping] });
await worker.start();
await q.enqueue(ping, undefined);
await worker.untilIdle();
await ask();

await worker.stop();
await q.enqueueMany(ping, [undefined, undefined]);
await clock.advance("1m");
await ask();
server.closeAllConnections();
server.close();
await q.close();

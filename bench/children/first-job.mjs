// Imports the library and runs one job; prints how long that took, milliseconds.
const start = performance.now();
const { connect } = await import("queuack");
const imported = performance.now();
const q = await connect(process.argv[2]);
q.task("work", async () => 1);
await q.worker().start();
const job = await q.enqueue("work", { n: 1 });
await job.result();
const finished = performance.now();
await q.close();
console.log(JSON.stringify({ import: imported - start, finished: finished - start }));

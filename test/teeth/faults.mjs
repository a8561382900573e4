// The planted faults, one line of thought each: what is broken, where, and who must notice. Files are named from
// packages/queuack/src; `find` must be there exactly once. `caughtBy` names tests (vitest's filters) or scripts (`.mjs`,
// with their arguments), which run on a build.

/**
 * @typedef {object} Fault
 * @property {string} name
 * @property {string} file
 * @property {string} find
 * @property {string} replace
 * @property {string[]} caughtBy
 */

const store = ["packages/queuack/src/storage/sqlite/"];
const conformance = [`${store[0]}sqlite-store.test.ts`];
const promises = ["test/teeth/promises.test.ts"];
const powercut = ["test/powercut/main.mjs --images 150 --seed 1"];
const notice = ["test/crash/notice.mjs --rounds 1"];
const latency = ["test/processes/latency.mjs --jobs 20"];
const sharing = ["packages/queuack/src/storage/sqlite/sharing.test.ts"];
const worker = ["packages/queuack/src/worker/"];

/** @type {Fault[]} */
export const faults = [
  {
    name: "fence dropped: any token settles",
    file: "storage/sqlite/settle.ts",
    find: " AND token = ?\n    RETURNING seq",
    replace: " AND ? > 0\n    RETURNING seq",
    caughtBy: store,
  },
  {
    name: "acknowledgement before the commit",
    file: "storage/sqlite/writer.ts",
    find: "      this.#commit.run();\n    } catch",
    replace: `      for (const { outcome, resolve } of batch.slice(0, taken)) if (outcome !== null && "value" in outcome) resolve(outcome.value as never);
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
      this.#commit.run();
    } catch`,
    caughtBy: promises,
  },
  {
    name: "synchronous=NORMAL for acknowledged jobs",
    file: "storage/sqlite/database.ts",
    find: 'return durability === "full" ? "FULL" : "NORMAL";',
    replace: 'return durability === "full" ? "NORMAL" : "NORMAL";',
    caughtBy: powercut,
  },
  {
    name: "an insertion is committed like a heartbeat",
    file: "storage/sqlite/sqlite-store.ts",
    find: "writer.write(() => insert(params)),",
    replace: "writer.write(() => insert(params), false),",
    caughtBy: powercut,
  },
  {
    name: "a crash consumes no attempt",
    file: "engine/maintenance/rescue.ts",
    find: "return { token, id, ...after };",
    replace: 'return { token, id, to: "released", delayMs: "delayMs" in after ? after.delayMs : 0 };',
    caughtBy: promises,
  },
  {
    name: "a failed attempt is not counted",
    file: "storage/sqlite/settle.ts",
    find: 'settlement.to === "retryable" ? attempt : (attemptsOf',
    replace: "(attemptsOf",
    caughtBy: store,
  },
  {
    name: "one attempt more than the maximum",
    file: "core/retry.ts",
    find: "failed.attempt >= failed.maxAttempts",
    replace: "failed.attempt > failed.maxAttempts",
    caughtBy: promises,
  },
  {
    name: "a release consumes an attempt",
    file: "storage/sqlite/settle.ts",
    find: 'settlement.to === "retryable" ? attempt : (attemptsOf.get(seq) as { attempts: number }).attempts',
    replace: "attempt",
    caughtBy: store,
  },
  {
    name: "a renewal prolongs nothing",
    file: "storage/sqlite/leases.ts",
    find: "UPDATE lease SET until = ? WHERE",
    replace: "UPDATE lease SET until = until + 0 * ? WHERE",
    caughtBy: store,
  },
  {
    name: "leases are not renewed",
    file: "worker/lease-keeper.ts",
    find: "      void this.renew();\n      this.#onHeartbeat();",
    replace: "      this.#onHeartbeat();",
    caughtBy: worker,
  },
  {
    name: "a completed job is retried",
    file: "storage/sqlite/changes.ts",
    find: 'return isFinal(state) && state !== "completed";',
    replace: "return isFinal(state);",
    caughtBy: store,
  },
  {
    name: "a repeated id is accepted again",
    file: "storage/sqlite/insert.ts",
    find: "ON CONFLICT (id) DO NOTHING",
    replace: "ON CONFLICT (id) DO UPDATE SET seq = excluded.seq",
    caughtBy: store,
  },
  {
    name: "the idempotency key is ignored",
    file: "storage/sqlite/insert.ts",
    find: "        keyed === undefined &&\n",
    replace: "",
    caughtBy: store,
  },
  {
    name: "tokens are not raised at the opening",
    file: "storage/sqlite/sqlite-store.ts",
    find: "    session.raiseEpoch();\n",
    replace: "",
    caughtBy: promises,
  },
  {
    name: "promotion does not look at the time",
    file: "storage/sqlite/timing.ts",
    find: "WHERE timer.at <= ? ORDER BY",
    replace: "WHERE timer.at <= ? + 3600000 ORDER BY",
    caughtBy: store,
  },
  {
    name: "priorities are reversed",
    file: "storage/sqlite/places.ts",
    find: "this.#ready.run(lane, job.group, 100 - job.priority, seq);",
    replace: "this.#ready.run(lane, job.group, job.priority, seq);",
    caughtBy: store,
  },
  {
    name: "a paused queue is claimed from",
    file: "storage/sqlite/claim.ts",
    find: " AND queue.paused_at IS NULL",
    replace: "",
    caughtBy: store,
  },
  {
    name: "a settled job is still counted as running",
    file: "storage/sqlite/settle.ts",
    find: '      tally.add(lease.lane, "running", -1);\n',
    replace: "",
    caughtBy: store,
  },
  {
    name: "a dead worker is not noticed",
    file: "storage/sqlite/workers.ts",
    find: "if (gone.length === 0) return [];",
    replace: "if (gone.length >= 0) return [];",
    caughtBy: notice,
  },
  {
    name: "a living worker is taken for dead",
    file: "storage/sqlite/process-lock.ts",
    find: "if (isBusy(error)) return true;",
    replace: "if (isBusy(error)) return false;",
    caughtBy: store,
  },
  {
    name: "the limit of a queue is one too high",
    file: "storage/sqlite/insert.ts",
    find: "if (waiting > most)",
    replace: "if (waiting > most + 1)",
    caughtBy: store,
  },
  {
    name: "the limit of a queue is one too low",
    file: "storage/sqlite/insert.ts",
    find: "if (waiting > most)",
    replace: "if (waiting >= most)",
    caughtBy: store,
  },
  {
    name: "a refused write leaves its half",
    file: "storage/sqlite/writer.ts",
    find: "    this.#rollbackTo.run();\n",
    replace: "",
    caughtBy: store,
  },
  {
    name: "the cancellation of a running job is forgotten",
    file: "storage/sqlite/changes.ts",
    find: "          requestCancel.run(seq);\n",
    replace: "",
    caughtBy: store,
  },
  {
    name: "a worker in the same process does not hear of a cancellation",
    file: "engine/local-broker.ts",
    find: 'this.#signal({ kind: "cancel", ids: requested })',
    replace: "void 0",
    caughtBy: promises,
  },
  {
    name: "expiry is ignored at the claim",
    file: "storage/sqlite/claim.ts",
    find: "row.expires_at !== null && row.expires_at <= now && attempts === 0",
    replace: "row.expires_at === -1",
    caughtBy: store,
  },
  {
    name: "discarded jobs are kept no longer than completed ones",
    file: "storage/sqlite/removal.ts",
    find: "own.completedMs : own.discardedMs",
    replace: "own.completedMs : own.completedMs",
    caughtBy: store,
  },
  {
    name: "a cached result never expires",
    file: "storage/sqlite/cache.ts",
    find: "AND version = ? AND expires_at > ?",
    replace: "AND version = ? AND expires_at > 0 * ?",
    caughtBy: store,
  },
  {
    name: "jobs of several tenants share a chunk",
    file: "worker/chunks/chunk-line.ts",
    find: "execution.job.tenant}",
    replace: '"all"}',
    caughtBy: worker,
  },
  {
    name: "what gathers for a chunk is kept through a shutdown",
    file: "worker/worker.ts",
    find: "      this.#dispatcher.releaseWaiting();\n",
    replace: "",
    caughtBy: worker,
  },
  {
    name: "commits of other processes are heard only by the backstop",
    file: "storage/sqlite/foreign-commits.ts",
    find: "this.#watcher = watch(this.#file, {",
    replace:
      'if (this.#file) throw Object.assign(new Error("deaf"), { code: "ENOSYS" });\n      this.#watcher = watch(this.#file, {',
    caughtBy: latency,
  },
  {
    name: "a lease is not counted: limits by what this claim takes alone",
    file: "core/flow/allowance.ts",
    find: "concurrency - this.#usage.running(rule, group)",
    replace: "concurrency - 0 * this.#usage.running(rule, group)",
    caughtBy: conformance,
  },
  {
    name: "a slot is counted twice",
    file: "storage/sqlite/claim-usage.ts",
    find: "(counts.get(key) ?? 0) + n)",
    replace: "(counts.get(key) ?? 0) + 2 * n)",
    caughtBy: conformance,
  },
  {
    name: "a rate forgets a start too soon",
    file: "core/flow/allowance.ts",
    find: "filter(({ at }) => at > since)",
    replace: "filter(({ at }) => at > since + (rate?.periodMs ?? 0) / 8)",
    caughtBy: conformance,
  },
  {
    name: "the starts of a claim are not recorded",
    file: "storage/sqlite/claim.ts",
    find: "    usage.record(allowance.started(), now);\n",
    replace: "",
    caughtBy: conformance,
  },
  {
    name: "a group that is set aside stays there when a job of it ends",
    file: "storage/sqlite/settle.ts",
    find: "    for (const group of groups) unpark.run(group);\n",
    replace: "",
    caughtBy: conformance,
  },
  {
    name: "a group that a rate keeps waiting is never let go",
    file: "storage/sqlite/timing.ts",
    find: "    const freed = unpark.run(now, limit).changes;",
    replace: "    const freed = unpark.run(0, limit).changes;",
    caughtBy: conformance,
  },
  {
    name: "a group's turn is forgotten: the first one is served for ever",
    file: "core/flow/turns.ts",
    find: "      entry.pass = pass + 1 / list.weight;",
    replace: "      entry.pass = pass;",
    caughtBy: conformance,
  },
  {
    name: "turns are not kept from claim to claim",
    file: "storage/sqlite/claim-turns.ts",
    find: "      this.#serve.run(pass, group, queue);\n",
    replace: "",
    caughtBy: conformance,
  },
  {
    name: "who was idle comes back with arrears",
    file: "storage/sqlite/claim-turns.ts",
    find: "      this.#serveQueue.run(groupStart, queue);\n",
    replace: "",
    caughtBy: conformance,
  },
  {
    name: "a group that a limit kept waiting comes back with arrears",
    file: "core/flow/turns.ts",
    find: "const pass = Math.max(list.pass, share.groupStart, ",
    replace: "const pass = Math.max(list.pass, ",
    caughtBy: conformance,
  },
  {
    name: "limits are read once and never again",
    file: "storage/sqlite/flow-rules.ts",
    find: "if (flow !== this.#known) {",
    replace: "if (this.#known === -1) {",
    caughtBy: conformance,
  },
  {
    name: "a unique key is released when the job starts",
    file: "storage/sqlite/claim.ts",
    find: 'uniques.enter(seq, uniq, "running");',
    replace: "uniques.leave(seq, uniq);",
    caughtBy: conformance,
  },
  {
    name: "a unique key is kept for ever",
    file: "storage/sqlite/endings.ts",
    find: "    this.#uniques.enter(seq, uniq, state);\n",
    replace: "",
    caughtBy: conformance,
  },
  {
    name: "a job comes back beside another of its unique key",
    file: "storage/sqlite/settle.ts",
    find: 'if (!uniques.enter(seq, uniq, "available")) {',
    replace: 'if (!uniques.enter(seq, uniq, "available") && seq < 0) {',
    caughtBy: conformance,
  },
  {
    name: "a claim that passes full groups by does not say that they wait",
    file: "storage/sqlite/claim.ts",
    find: "context.limited || (tally.flow.rules.length > 0 && turns.anyParked());",
    replace: "context.limited;",
    caughtBy: ["packages/queuack/src/queue/limits.test.ts"],
  },
  {
    name: "an expired job uses up a rate",
    file: "storage/sqlite/claim.ts",
    find: "        if (tally.flow.rules.length > 0) allowance.giveBack(tally.flow.ofLane(lane), group);\n",
    replace: "",
    caughtBy: conformance,
  },
  {
    name: "a queue that leaves the memory takes no lock: its workers are taken for dead",
    file: "storage/sqlite/sharing.ts",
    find: "      lock.moveTo(home.path);",
    replace: "",
    caughtBy: sharing,
  },
  {
    name: "a queue that left the memory goes on over the old connection's statements",
    file: "storage/sqlite/movable-database.ts",
    find: "if (on !== this.#db) {",
    replace: "if (on === null) {",
    caughtBy: sharing,
  },
  {
    name: "who listened before a queue left the memory hears nothing of others",
    file: "storage/sqlite/sharing.ts",
    find: "    foreign.moveTo(home.path);",
    replace: "",
    caughtBy: sharing,
  },
  {
    name: "a queue that left the memory stays on the disk",
    file: "storage/sqlite/sqlite-store.ts",
    find: "      sharing?.leave();",
    replace: "",
    caughtBy: sharing,
  },
  {
    name: "a queue leaves the memory without a word",
    file: "engine/local-broker.ts",
    find: "    if (moved) {",
    replace: "    if (moved && url === reason) {",
    caughtBy: ["packages/queuack/src/engine/sharing.test.ts"],
  },
  {
    name: "the wait before a process is started again does not grow",
    file: "queue/pool/pool-process.ts",
    find: "restartMs * 2 **",
    replace: "restartMs * 1 **",
    caughtBy: ["packages/queuack/src/queue/pool/pool-process.test.ts"],
  },
];

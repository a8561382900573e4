import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { connect } from "../connect.ts";
import { temporaryFolder } from "../fixtures/temporary-folder.ts";
import { eventually } from "./fixtures/watching.ts";
import type { PoolPlan, PoolReport } from "./messages.ts";
import { PoolMember } from "./pool-member.ts";

const modules = [fileURLToPath(new URL("fixtures/tasks.mjs", import.meta.url))];

/** A member in this process, with all that it has said; how it would have ended the process. */
function member(over: Partial<PoolPlan> = {}) {
  const url = join(temporaryFolder(), "jobs.db");
  const plan = { url, temporary: false, connection: {}, worker: {}, modules, ...over };
  const reports: PoolReport[] = [];
  const exits: number[] = [];
  const send = async (report: PoolReport) => void reports.push(report);
  return { url, plan, reports, exits, member: new PoolMember({ send, exit: (code) => void exits.push(code) }) };
}

test("it works as it is told, reports, and drains", async () => {
  const { member: one, url, plan, reports, exits } = member({ worker: { heartbeat: "100ms" } });
  await one.hear({ kind: "start", plan });
  const [{ worker }] = reports as [PoolReport & { kind: "figures" }];
  expect(reports).toEqual([{ kind: "figures", worker: expect.stringContaining(`-${process.pid}-`), running: 0 }]);
  await using q = await connect(url);
  const job = await q.enqueue("hold");
  await eventually(() => expect(reports.at(-1)).toEqual({ kind: "figures", worker, running: 1 }));
  const stopped = one.hear({ kind: "stop" });
  // A second wish can only shorten the grace.
  await one.hear({ kind: "stop", graceMs: 0 });
  await stopped;
  expect(reports.at(-1)).toEqual({ kind: "stopping" });
  expect(exits).toEqual([0]);
  expect(await job.get()).toMatchObject({ state: "available", attempt: 0 });
});

test("it says what keeps it from starting, and ends", async () => {
  const { member: one, plan, reports, exits } = member({ worker: { concurrency: 0 } });
  await one.hear({ kind: "start", plan });
  expect(reports).toMatchObject([{ kind: "failed", error: { code: "QUEUACK_INVALID_OPTION" } }]);
  expect(exits).toEqual([1]);
});

test("told to stop before it works, it ends at once", async () => {
  const { member: one, exits } = member();
  await one.hear({ kind: "stop" });
  expect(exits).toEqual([0]);
});

test("without its parent it drains, or ends at once where the queue is gone as well", async () => {
  const lasting = member();
  await lasting.member.hear({ kind: "start", plan: lasting.plan });
  await lasting.member.orphaned();
  expect(lasting.reports.at(-1)).toEqual({ kind: "stopping" });
  expect(lasting.exits).toEqual([0]);
  const passing = member({ temporary: true });
  await passing.member.hear({ kind: "start", plan: passing.plan });
  await passing.member.orphaned();
  expect(passing.exits).toEqual([0]);
  expect(passing.reports.at(-1)).toMatchObject({ kind: "figures" });
  await passing.member.stop();
});

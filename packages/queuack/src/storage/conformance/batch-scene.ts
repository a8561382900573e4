import assert from "node:assert/strict";
import type { BatchEnd, BatchRecord, NewBatch } from "../../core/batch.ts";
import type { NewJob } from "../../core/job.ts";
import { type Ending, newBatch, newId, newJob, type Scene, someError } from "./scene.ts";

/** How a member ends well. */
export const completed: Ending = { to: "completed", result: null };
/** How a member ends for good without success. */
export const discarded: Ending = { to: "discarded", outcome: "failed", error: someError };

/** A batch with both jobs that follow, and their ids. */
export function withCallbacks(over: Partial<NewBatch> = {}, job: Partial<NewJob> = {}) {
  const id = over.id ?? newId();
  const onComplete = newJob({ callbackOf: id, ...job });
  const onSuccess = newJob({ callbackOf: id, ...job });
  return {
    batch: newBatch({ id, onComplete, onSuccess, ...over }),
    follow: { complete: onComplete.id, success: onSuccess.id },
  };
}

/** Three batches, each the parent of the next. */
export function chain() {
  const top = withCallbacks({}, { queue: "after" });
  const middle = withCallbacks({ parent: top.batch.id }, { queue: "after" });
  const leaf = withCallbacks({ parent: middle.batch.id }, { queue: "after" });
  return [top, middle, leaf] as const;
}

/** A batch that stays open, whatever becomes of its members. */
export function open(scene: Scene, over: Partial<NewBatch> = {}): Promise<string> {
  return scene.batch({ sealed: false, ...over });
}

/** A batch that must be there. */
export async function get(scene: Scene, id: string): Promise<BatchRecord> {
  const [batch] = await scene.store.batches.get({ ids: [id] });
  assert.ok(batch, `batch ${id} must be there`);
  return batch;
}

/** Which of these jobs are there. */
export async function present(scene: Scene, ids: readonly string[]): Promise<boolean[]> {
  return (await scene.store.batches.get({ ids })).map((batch) => batch !== null);
}

/** Total, open, failed. */
export async function counts(scene: Scene, id: string): Promise<[number, number, number]> {
  const { total, open, failed } = await get(scene, id);
  return [total, open, failed];
}

/** What the store tells of ends from here on. */
export function listen(scene: Scene): BatchEnd[] {
  const heard: BatchEnd[] = [];
  scene.store.batches.onEnd((ended) => heard.push(...ended));
  return heard;
}

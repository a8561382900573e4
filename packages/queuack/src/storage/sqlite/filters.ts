import { QueuackError } from "../../core/errors.ts";
import type { JobFilter } from "../../core/filter.ts";
import { isFinal, type JobState } from "../../core/job-state.ts";
import { idBytes, outcomeCode, stateCode } from "./codes.ts";
import type { SqlValue } from "./database.ts";
import { stateExpression } from "./job-rows.ts";

/** A condition of a statement with the values of its question marks. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** A filter as conditions over `recordTables`. Lists become one JSON value each, so that the text stays the same. */
export function conditions(filter: JobFilter): Condition {
  const parts: string[] = [];
  const values: SqlValue[] = [];
  const add = (sql: string, ...bound: SqlValue[]) => {
    parts.push(sql);
    values.push(...bound);
  };
  const among = (column: string, list: readonly (string | number)[] | undefined) => {
    if (list !== undefined) add(`${column} IN (SELECT value FROM json_each(?))`, JSON.stringify(list));
  };
  if (filter.tenant !== undefined) add("queue.tenant = ?", filter.tenant);
  if (filter.ids !== undefined) add("job.id IN (SELECT unhex(value) FROM json_each(?))", hexIds(filter.ids));
  among(
    stateExpression,
    filter.states?.map((state) => stateCode[state]),
  );
  among(
    "coalesce(done.outcome, failure.outcome)",
    filter.outcomes?.map((outcome) => outcomeCode[outcome]),
  );
  among("queue.name", filter.queues);
  among("lane.task", filter.tasks);
  for (const tag of filter.tags ?? []) {
    add("EXISTS (SELECT 1 FROM json_each(job.options, '$.tags') AS tag WHERE tag.value = ?)", tag);
  }
  if (filter.batches !== undefined) {
    const among = "IN (SELECT seq FROM batch WHERE id IN (SELECT unhex(value) FROM json_each(?)))";
    // Of one batch the index has the jobs in their order: a page costs the same however large the batch is.
    const one = "= (SELECT seq FROM batch WHERE id = (SELECT unhex(value) FROM json_each(?)))";
    add(`job.batch ${filter.batches.length === 1 ? one : among}`, hexIds(filter.batches));
  }
  if (filter.createdBefore !== undefined) add("job.created_at < ?", filter.createdBefore);
  if (filter.createdAfter !== undefined) add("job.created_at > ?", filter.createdAfter);
  if (filter.finishedBefore !== undefined) add("done.finished_at < ?", filter.finishedBefore);
  return { sql: parts.length === 0 ? "1" : parts.join(" AND "), values };
}

/** Where the jobs of a state stand, as a query for their numbers. */
const placeOf: Partial<Record<JobState, string>> = {
  running: "SELECT seq FROM lease",
  pending: "SELECT seq FROM pending",
  scheduled: "SELECT seq FROM timer",
  retryable: "SELECT seq FROM timer",
};

/**
 * A condition that leads the way from the small tables where only few states are asked for, so that finding the living
 * costs nothing for all that is done; empty where a walk over the jobs is as good.
 */
export function seqsInStates(states: JobFilter["states"]): string {
  if (states === undefined || states.length === 0) return "";
  const places = [...new Set(states.map((state) => placeOf[state] ?? placeInDone(state)))];
  return places.includes("") ? "" : `AND job.seq IN (${places.join(" UNION ALL ")})`;
}

/** Completed and available jobs are many: there a walk from the newest finds a page at once. */
function placeInDone(state: JobState): string {
  if (!isFinal(state) || state === "completed") return "";
  return `SELECT seq FROM done WHERE lane IN (SELECT id FROM lane) AND state = ${stateCode[state]}`;
}

/** Ids as one JSON value; checked here, so that what is no id matches nothing instead of failing. */
function hexIds(ids: readonly string[]): string {
  return JSON.stringify(ids.filter((id) => idBytes(id) !== null).map((id) => id.replaceAll("-", "")));
}

/** The number that the next page ends before. @throws {QueuackError} `QUEUACK_INVALID_OPTION` */
export function parseCursor(cursor: string): number {
  const seq = Number(cursor);
  if (Number.isSafeInteger(seq) && seq >= 0) return seq;
  throw new QueuackError("QUEUACK_INVALID_OPTION", {
    message: `${JSON.stringify(cursor)} is not a cursor.`,
    hint: "Hand the cursor of the last page to the next call, or leave it out to start over.",
  });
}

import { errorRecord } from "../core/error-record.ts";
import type { Payload } from "../core/job.ts";
import { encodePayload } from "../core/payload.ts";

/** The stored form of what is logged beside a line. Logging never fails a job: what can't be stored is described. */
export function logPayload(data: unknown, limit: number): Payload {
  try {
    return encodePayload(data instanceof Error ? errorRecord(data) : data, "data", limit);
  } catch (error) {
    return JSON.stringify({ notStorable: error instanceof Error ? error.message : String(error) });
  }
}

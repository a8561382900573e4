import { type JobState, jobStates } from "../../core/job-state.ts";
import { type Outcome, outcomes } from "../../core/outcome.ts";

/** The number that stands for a state in the tables. */
export const stateCode = Object.fromEntries(jobStates.map((state, code) => [state, code])) as Record<JobState, number>;

/** The number that stands for an outcome in the tables. */
export const outcomeCode = Object.fromEntries(outcomes.map((outcome, code) => [outcome, code])) as Record<
  Outcome,
  number
>;

/** The state that a number of the tables stands for. */
export function stateOf(code: number): JobState {
  return jobStates[code] as JobState;
}

/** The outcome that a number of the tables stands for. */
export function outcomeOf(code: number): Outcome {
  return outcomes[code] as Outcome;
}

const uuidPattern = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;

/** The 16 bytes of a UUID; `null` for what is none, which then matches nothing. */
export function idBytes(id: string): Uint8Array | null {
  return uuidPattern.test(id) ? Buffer.from(id.replaceAll("-", ""), "hex") : null;
}

/** The UUID of its 16 bytes. */
export function idText(bytes: Uint8Array): string {
  return idOfHex(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex"));
}

/** The UUID of its hexadecimal digits: as text it comes out of the database far cheaper than as bytes. */
export function idOfHex(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

import type { ClaimRequest } from "../core/claim.ts";
import { QueuackError } from "../core/errors.ts";

/** Queues as a user writes them: names in strict order, or names with their weights. */
export type QueueOption = readonly string[] | Readonly<Record<string, number>>;

/** The queues of a worker: in strict order, or sharing its slots by weight. */
export type QueuePlan =
  | { readonly kind: "strict"; readonly queues: readonly string[] }
  | { readonly kind: "weighted"; readonly queues: readonly string[]; readonly weights: readonly number[] };

/**
 * Reads the option. Without one, the queues that the tasks name share the slots equally with `default`: strict order
 * could starve a queue, so it is only for those who ask for it.
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION`
 */
export function queuePlan(option: QueueOption | undefined, implied: readonly string[]): QueuePlan {
  if (option === undefined) {
    const queues = [...new Set(implied)];
    return { kind: "weighted", queues, weights: queues.map(() => 1) };
  }
  const strict = Array.isArray(option);
  const queues: readonly string[] = strict ? option : Object.keys(option);
  const weights = strict ? queues.map(() => 1) : Object.values(option as Readonly<Record<string, number>>);
  const wrong =
    queues.length === 0
      ? "names no queue"
      : queues.some((queue) => typeof queue !== "string" || queue === "")
        ? "has a queue without a name"
        : new Set(queues).size < queues.length
          ? "names a queue twice"
          : weights.some((weight) => !(Number.isFinite(weight) && weight > 0))
            ? "has a weight that is not a positive number"
            : null;
  if (wrong !== null) {
    throw new QueuackError("QUEUACK_INVALID_OPTION", {
      message: `queues ${wrong}.`,
      hint: 'Give names in strict order, ["urgent", "default"], or with weights, { urgent: 100, default: 50 }.',
    });
  }
  return strict ? { kind: "strict", queues } : { kind: "weighted", queues, weights };
}

/**
 * Divides free slots among queues so that over time each gets its share by weight, even when one slot is free at a
 * time. This is smooth weighted round-robin: every slot goes to the queue that is owed most.
 * @param credits what each queue is owed from before, in slots; all zero at first
 * @returns `quotas`: slots for each queue, `free` in all; `owed`: what each would still be owed after getting them
 */
export function divideSlots(
  weights: readonly number[],
  credits: readonly number[],
  free: number,
): { readonly quotas: readonly number[]; readonly owed: readonly number[] } {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  const owed = weights.map((weight, i) => (credits[i] ?? 0) + (free * weight) / sum);
  const quotas = weights.map(() => 0);
  for (let slot = 0; slot < free; slot++) {
    let most = 0;
    for (let i = 1; i < owed.length; i++) if ((owed[i] as number) > (owed[most] as number)) most = i;
    quotas[most] = (quotas[most] as number) + 1;
    owed[most] = (owed[most] as number) - 1;
  }
  return { quotas, owed };
}

/**
 * Reckons what each queue is owed after a claim. A queue that had less than its quota is dry: it is owed nothing, so
 * that it can't hoard turns while it is empty, and what it was owed goes to the others. The rest share what they took
 * by weight: whoever took more than its share is owed that much less. Credits always sum to zero.
 */
export function creditsAfter(
  weights: readonly number[],
  credits: readonly number[],
  quotas: readonly number[],
  taken: readonly number[],
): number[] {
  const at = (list: readonly number[], i: number) => list[i] ?? 0;
  const dry = weights.map((_, i) => at(taken, i) < at(quotas, i));
  let liveWeight = 0;
  let toShare = 0;
  for (let i = 0; i < weights.length; i++) {
    if (dry[i]) toShare += at(credits, i);
    else {
      liveWeight += at(weights, i);
      toShare += at(taken, i);
    }
  }
  return weights.map((weight, i) => (dry[i] ? 0 : at(credits, i) + (toShare * weight) / liveWeight - at(taken, i)));
}

/** The queues of a worker over time: what to ask for next, given what came before. */
export class Quotas {
  readonly #plan: QueuePlan;
  #credits: readonly number[];
  #quotas: readonly number[] = [];

  constructor(plan: QueuePlan) {
    this.#plan = plan;
    this.#credits = plan.queues.map(() => 0);
  }

  /** What to ask for with so many free slots. */
  next(free: number): ClaimRequest["queues"] {
    const { queues } = this.#plan;
    if (this.#plan.kind === "strict" || queues.length === 1) {
      return queues.map((queue, i) => ({ queue, quota: i === 0 ? free : 0 }));
    }
    const { quotas, owed } = divideSlots(this.#plan.weights, this.#credits, free);
    this.#quotas = quotas;
    // What is left over goes round in this order: first to whom most is owed.
    return queues
      .map((queue, i) => ({ queue, quota: quotas[i] ?? 0, owed: owed[i] ?? 0 }))
      .sort((a, b) => b.owed - a.owed)
      .map(({ queue, quota }) => ({ queue, quota }));
  }

  /** Takes note of what the last request brought. */
  took(jobs: readonly { readonly queue: string }[]): void {
    if (this.#plan.kind === "strict" || this.#plan.queues.length === 1) return;
    const taken = new Map<string, number>();
    for (const { queue } of jobs) taken.set(queue, (taken.get(queue) ?? 0) + 1);
    const { queues, weights } = this.#plan;
    this.#credits = creditsAfter(
      weights,
      this.#credits,
      this.#quotas,
      queues.map((queue) => taken.get(queue) ?? 0),
    );
  }
}

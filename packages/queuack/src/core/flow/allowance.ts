import { type LimitRule, type Rate, rulesFor } from "./limit.ts";

/** Starts that were recorded at a time, milliseconds since the epoch. */
export interface Starts {
  readonly at: number;
  readonly n: number;
}

/** What is in use, as the store knows it. */
export interface Usage {
  /** Live leases of a rule, of one group where the rule counts each by itself. */
  running(rule: LimitRule, group: string | null): number;
  /** The starts that were recorded for a rule, of one group where it counts each by itself. */
  starts(rule: LimitRule, group: string | null): readonly Starts[];
}

/** A counter of a rule: for all of its scope, or for one group. */
export interface Counted {
  readonly rule: LimitRule;
  readonly group: string | null;
}

/** What stands in the way of a job. */
export interface Full extends Counted {
  readonly by: "concurrency" | "rate";
  /** When the rate has room again, milliseconds since the epoch; `null`: when a job ends. */
  readonly until: number | null;
}

interface Counter extends Counted {
  /** Jobs that may start beside those that run. */
  slots: number;
  /** Starts that the rate still has room for. */
  starts: number;
  /** The start that counts longest already, milliseconds since the epoch. */
  readonly oldest: number;
  taken: number;
}

/** Into how many parts a period is divided where starts are recorded. */
const parts = 256;

/**
 * The time under which a start is recorded: rounded up to a part of the period, so that a rate of any height keeps few
 * rows. A start therefore counts a little longer than it must, never shorter.
 */
export function recordedAt(now: number, { periodMs }: Rate): number {
  const part = Math.max(1, Math.floor(periodMs / parts));
  return Math.ceil(now / part) * part;
}

/**
 * How many more jobs may start now, by every limit that holds for them: reckoned from live leases and recorded starts,
 * never from a count kept beside them. One for each claim; what the claim takes is counted in.
 */
export class Allowance {
  readonly #usage: Usage;
  readonly #now: number;
  readonly #counters = new Map<string, Counter>();
  /** The counters of a group under the rules of a lane: asked for again and again. */
  readonly #known = new Map<readonly LimitRule[], Map<string, readonly Counter[]>>();

  constructor(usage: Usage, now: number) {
    this.#usage = usage;
    this.#now = now;
  }

  /** Whether another job may start; `rules` are those that concern its lane. */
  hasRoom(rules: readonly LimitRule[], group: string): boolean {
    return this.#counting(rules, group).every(({ slots, starts }) => slots > 0 && starts > 0);
  }

  /** The limits that keep a job from starting. */
  full(rules: readonly LimitRule[], group: string): Full[] {
    return this.#counting(rules, group).flatMap(({ rule, group: own, slots, starts, oldest }): Full[] => {
      if (slots <= 0) return [{ rule, group: own, by: "concurrency", until: null }];
      if (starts > 0 || rule.rate === null) return [];
      return [{ rule, group: own, by: "rate", until: oldest + rule.rate.periodMs }];
    });
  }

  /** Counts a job in that starts. */
  take(rules: readonly LimitRule[], group: string): void {
    for (const counter of this.#counting(rules, group)) {
      counter.slots--;
      counter.starts--;
      counter.taken++;
    }
  }

  /** Counts a job out again that did not start after all. */
  giveBack(rules: readonly LimitRule[], group: string): void {
    for (const counter of this.#counting(rules, group)) {
      counter.slots++;
      counter.starts++;
      counter.taken--;
    }
  }

  /** The rates that were used since, to be recorded. */
  started(): (Counted & { readonly n: number })[] {
    return [...this.#counters.values()].flatMap(({ rule, group, taken }) =>
      taken > 0 && rule.rate !== null ? [{ rule, group, n: taken }] : [],
    );
  }

  #counting(rules: readonly LimitRule[], group: string): readonly Counter[] {
    let byGroup = this.#known.get(rules);
    if (byGroup === undefined) {
      byGroup = new Map();
      this.#known.set(rules, byGroup);
    }
    let counters = byGroup.get(group);
    if (counters === undefined) {
      counters = rulesFor(rules, group).map((rule) => this.#counter(rule, rule.scope.group === "*" ? group : null));
      byGroup.set(group, counters);
    }
    return counters;
  }

  #counter(rule: LimitRule, group: string | null): Counter {
    const key = `${rule.id}\u0000${group ?? ""}`;
    const known = this.#counters.get(key);
    if (known !== undefined) return known;
    const { concurrency, rate } = rule;
    const since = rate === null ? 0 : this.#now - rate.periodMs;
    const counted = rate === null ? [] : this.#usage.starts(rule, group).filter(({ at }) => at > since);
    const counter: Counter = {
      rule,
      group,
      slots: concurrency === null ? Number.POSITIVE_INFINITY : concurrency - this.#usage.running(rule, group),
      starts: rate === null ? Number.POSITIVE_INFINITY : rate.limit - counted.reduce((sum, { n }) => sum + n, 0),
      // What this claim starts counts from now.
      oldest: Math.min(...counted.map(({ at }) => at), rate === null ? 0 : recordedAt(this.#now, rate)),
      taken: 0,
    };
    this.#counters.set(key, counter);
    return counter;
  }
}

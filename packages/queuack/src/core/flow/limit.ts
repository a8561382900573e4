/** Which jobs of a tenant a limit holds for; what is left out means every one. An empty scope is the whole tenant. */
export interface LimitScope {
  readonly queue?: string | undefined;
  readonly task?: string | undefined;
  /**
   * A group by its key, or `"*"`: every group by itself. What is set for one key goes before what `"*"` says in the
   * same queue and task: a concurrency before its concurrency, a rate before its rate.
   */
  readonly group?: string | undefined;
}

/** At most `limit` starts within any span of `periodMs` milliseconds. */
export interface Rate {
  readonly limit: number;
  readonly periodMs: number;
}

/** What is set for a scope; `null`: nothing. */
export interface Limit {
  /** Most jobs that run at a time. */
  readonly concurrency: number | null;
  readonly rate: Rate | null;
  /** Share of a group beside others, or of a tenant where the scope is empty; 1 where nothing is said. */
  readonly weight: number | null;
}

/** A limit as it is stored. */
export interface LimitRule extends Limit {
  /** Unique in the store; stays when the limit is changed. */
  readonly id: number;
  readonly tenant: string;
  readonly scope: LimitScope;
}

/** A limit with what is used of it; a rule for every group (`"*"`) has one for each group that uses it, or one of its own. */
export interface LimitUsage extends LimitRule {
  /** The group that it was counted for; `null` for a rule that counts all of its scope together, or that none uses. */
  readonly group: string | null;
  /** Jobs of its scope that run now. */
  readonly running: number;
  /** Starts that count against the rate now; 0 where there is none. */
  readonly started: number;
}

/** Where a job belongs, as limits see it. */
export interface Place {
  readonly tenant: string;
  readonly queue: string;
  readonly task: string;
  /** `""`: in no group. */
  readonly group: string;
}

/** Whether a rule holds for all jobs of a place, or may hold, depending on their group. */
export function concernsLane(rule: LimitRule, { tenant, queue, task }: Omit<Place, "group">): boolean {
  const { scope } = rule;
  return (
    rule.tenant === tenant &&
    (scope.queue === undefined || scope.queue === queue) &&
    (scope.task === undefined || scope.task === task)
  );
}

/** The rules that hold for a group, of those that concern its lane. */
export function rulesFor(rules: readonly LimitRule[], group: string): LimitRule[] {
  return rules.flatMap((rule) => {
    const { scope } = rule;
    if (scope.group === undefined || (scope.group === group && group !== "*")) return [rule];
    if (scope.group !== "*" || group === "") return [];
    const own = rules.find(
      (other) => other.scope.group === group && other.scope.queue === scope.queue && other.scope.task === scope.task,
    );
    if (own === undefined) return [rule];
    const { concurrency, rate, weight } = own;
    return [
      {
        ...rule,
        concurrency: concurrency === null ? rule.concurrency : null,
        rate: rate === null ? rule.rate : null,
        weight: weight === null ? rule.weight : null,
      },
    ];
  });
}

/** The share of a group beside the others of its queue: what the narrowest rule says, 1 where none does. */
export function weightOf(rules: readonly LimitRule[], group: string): number {
  let weight = 1;
  let narrowest = -1;
  for (const rule of group === "" ? [] : rulesFor(rules, group)) {
    const { queue, task, group: key } = rule.scope;
    if (rule.weight === null || key === undefined) continue;
    const narrow = (key === "*" ? 0 : 4) + (queue === undefined ? 0 : 2) + (task === undefined ? 0 : 1);
    if (narrow > narrowest) [narrowest, weight] = [narrow, rule.weight];
  }
  return weight;
}

/** The share of a tenant beside others. */
export function tenantWeight(rules: readonly LimitRule[], tenant: string): number {
  const whole = rules.find(
    ({ tenant: own, scope }) =>
      own === tenant && scope.queue === undefined && scope.task === undefined && scope.group === undefined,
  );
  return whole?.weight ?? 1;
}

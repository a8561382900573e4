/** A list of ready jobs that a claim may take from: those of one group and priority in one lane. */
export interface ReadyList {
  /** The queue of one tenant: what tenants share by. */
  readonly queue: number;
  readonly lane: number;
  /** `""`: the jobs without a group, who share as one. */
  readonly group: string;
  /** 100 - priority: lower comes first. */
  readonly rank: number;
  /** How far the group has been served, in jobs over weight. */
  readonly pass: number;
  readonly weight: number;
  /** Number of its first job. */
  readonly head: number;
}

/** A tenant's queue as its share is reckoned. */
export interface Share {
  readonly queue: number;
  readonly pass: number;
  readonly weight: number;
  /** The pass at which a group of it was last served: nobody starts from further behind. */
  readonly groupStart: number;
}

/** What the turns ask of whoever knows the lists. */
export interface ListSource {
  /** Job numbers of a list in order of arrival, those after `after`, at most `most`. */
  read(list: ReadyList, after: number, most: number): readonly number[];
  /** Whether another job of the list may start now; counts it in if so. */
  admit(list: ReadyList): boolean;
}

/** How many jobs of a list were chosen. */
export interface Taken {
  readonly list: ReadyList;
  readonly n: number;
  /** Nothing is left behind what was chosen. */
  readonly emptied: boolean;
}

/** How far everybody is served after a claim; only what somebody else's turn depends on. */
export interface Served {
  /** Tenants' queues that were chosen from, where several tenants had something. */
  readonly tenants: readonly { readonly queue: number; readonly pass: number; readonly start: number }[];
  /** Queues that were chosen from, where several groups had something: where the last group stood. */
  readonly queues: readonly { readonly queue: number; readonly groupStart: number }[];
  /** The groups of those queues that were chosen from; `emptied`: one of its lists is empty now. */
  readonly groups: readonly {
    readonly queue: number;
    readonly group: string;
    readonly pass: number;
    readonly emptied: boolean;
  }[];
}

class Entry {
  readonly list: ReadyList;
  pass: number;
  seqs: readonly number[];
  /** How many were chosen, and how many of them before `seqs`. */
  taken = 0;
  from = 0;
  /** Nothing comes after `seqs`. */
  complete = false;

  constructor(list: ReadyList, pass: number) {
    this.list = list;
    this.pass = pass;
    this.seqs = [list.head];
  }

  get emptied(): boolean {
    return this.complete && this.taken - this.from >= this.seqs.length;
  }

  get seq(): number {
    return this.seqs[this.taken - this.from] as number;
  }
}

/** Job numbers that are read first of a list that has rivals; four times as many each time it needs more. */
const firstPage = 16;

/**
 * Decides whose turn it is: priority first, then by fair share of the tenants, then of the groups of a queue, then
 * arrival. Shares are start-time fair queueing (Goyal, Vin, Cheng 1996): whoever has been served least for its weight
 * comes next, and who was idle starts level with the others, so that nobody hoards turns.
 */
export class Turns {
  readonly #source: ListSource;
  readonly #most: number;
  readonly #page: number;
  readonly #entries = new Map<Share, Entry[]>();
  readonly #all: Entry[] = [];
  /** How far each tenant, and each group of a queue, is served now. */
  readonly #tenantPass = new Map<Share, number>();
  readonly #groupPass = new Map<string, number>();
  readonly #starts = new Map<Share, { tenant: number | null; group: number }>();

  /** @param most no claim takes more in all */
  constructor(params: {
    shares: readonly Share[];
    lists: readonly ReadyList[];
    tenantStart: number;
    source: ListSource;
    most: number;
  }) {
    const { shares, lists, source, most, tenantStart } = params;
    this.#source = source;
    this.#most = most;
    this.#page = lists.length === 1 ? most : Math.min(most, firstPage);
    for (const share of shares) {
      this.#tenantPass.set(share, Math.max(share.pass, tenantStart));
      this.#starts.set(share, { tenant: null, group: share.groupStart });
      const heap: Entry[] = [];
      for (const list of lists) {
        if (list.queue !== share.queue) continue;
        const key = groupKey(list);
        const pass = Math.max(list.pass, share.groupStart, this.#groupPass.get(key) ?? 0);
        this.#groupPass.set(key, pass);
        const entry = new Entry(list, pass);
        this.#all.push(entry);
        push(heap, entry);
      }
      this.#entries.set(share, heap);
    }
  }

  /** Chooses at most so many jobs; says how many it were. */
  choose(most: number): number {
    for (let chosen = 0; chosen < most; ) {
      const share = this.#nextShare();
      if (share === null) return chosen;
      const heap = this.#entries.get(share) as Entry[];
      const entry = heap[0] as Entry;
      const { list } = entry;
      const key = groupKey(list);
      const pass = this.#groupPass.get(key) as number;
      pop(heap);
      if (pass > entry.pass) {
        // Its group was served from another list meanwhile.
        entry.pass = pass;
        push(heap, entry);
        continue;
      }
      if (!this.#source.admit(list)) continue;
      chosen++;
      entry.taken++;
      const starts = this.#starts.get(share) as { tenant: number | null; group: number };
      const tenantPass = this.#tenantPass.get(share) as number;
      starts.tenant = tenantPass;
      starts.group = pass;
      this.#tenantPass.set(share, tenantPass + 1 / share.weight);
      entry.pass = pass + 1 / list.weight;
      this.#groupPass.set(key, entry.pass);
      if (this.#refill(entry)) push(heap, entry);
    }
    return most;
  }

  /** What was chosen of each list. */
  taken(): Taken[] {
    return this.#all.flatMap(({ list, taken, emptied }) => (taken > 0 ? [{ list, n: taken, emptied }] : []));
  }

  served(): Served {
    const chosen = [...this.#starts].filter(([, { tenant }]) => tenant !== null);
    const tenants = chosen.map(([share, { tenant }]) => ({
      queue: share.queue,
      pass: this.#tenantPass.get(share) as number,
      start: tenant as number,
    }));
    const contested = new Set(
      chosen.flatMap(([{ queue }]) => {
        const lists = this.#all.filter((entry) => entry.list.queue === queue);
        return lists.some(({ list }) => list.group !== lists[0]?.list.group) ? [queue] : [];
      }),
    );
    const groups = new Map<string, Served["groups"][number]>();
    for (const { list, taken, emptied } of this.#all) {
      const { queue, group } = list;
      if (taken === 0 || !contested.has(queue)) continue;
      const key = groupKey(list);
      const pass = this.#groupPass.get(key) as number;
      groups.set(key, { queue, group, pass, emptied: emptied || groups.get(key)?.emptied === true });
    }
    return {
      tenants: this.#entries.size > 1 ? tenants : [],
      queues: chosen.flatMap(([{ queue }, { group }]) => (contested.has(queue) ? [{ queue, groupStart: group }] : [])),
      groups: [...groups.values()],
    };
  }

  #nextShare(): Share | null {
    let best: Share | null = null;
    let first: Entry | undefined;
    for (const [share, heap] of this.#entries) {
      const entry = heap[0];
      if (entry === undefined) continue;
      const order =
        first === undefined || best === null
          ? -1
          : entry.list.rank - first.list.rank ||
            (this.#tenantPass.get(share) as number) - (this.#tenantPass.get(best) as number) ||
            entry.seq - first.seq;
      if (order < 0) [best, first] = [share, entry];
    }
    return best;
  }

  /** Sees to it that the entry has a next job; `false` where there is none. */
  #refill(entry: Entry): boolean {
    if (entry.taken - entry.from >= entry.seqs.length && !entry.complete) {
      const page = Math.min(this.#most, Math.max(this.#page, entry.seqs.length * 4));
      entry.seqs = this.#source.read(entry.list, entry.seqs.at(-1) as number, page);
      entry.from = entry.taken;
      entry.complete = entry.seqs.length < page;
    }
    return !entry.emptied;
  }
}

function groupKey({ queue, group }: ReadyList): string {
  return `${queue}\u0000${group}`;
}

function before(a: Entry, b: Entry): boolean {
  return (a.list.rank - b.list.rank || a.pass - b.pass || a.seq - b.seq) < 0;
}

/** A binary heap: the next entry is the first. */
function push(heap: Entry[], entry: Entry): void {
  let at = heap.length;
  while (at > 0) {
    const above = (at - 1) >> 1;
    if (!before(entry, heap[above] as Entry)) break;
    heap[at] = heap[above] as Entry;
    at = above;
  }
  heap[at] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop() as Entry;
  const { length } = heap;
  if (length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= length) break;
    if (below + 1 < length && before(heap[below + 1] as Entry, heap[below] as Entry)) below++;
    if (!before(heap[below] as Entry, last)) break;
    heap[at] = heap[below] as Entry;
    at = below;
  }
  heap[at] = last;
}

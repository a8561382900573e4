import { describe, expect, test } from "vitest";
import { type ReadyList, type Share, Turns } from "./turns.ts";

/** Lists with their job numbers, as a store would have them. */
type Lists = readonly (Partial<ReadyList> & { readonly jobs: readonly number[] })[];

const list = ({ jobs, ...over }: Lists[number]): ReadyList => ({
  queue: 1,
  lane: 1,
  group: "",
  rank: 50,
  pass: 0,
  weight: 1,
  head: jobs[0] as number,
  ...over,
});

function turns(
  lists: Lists,
  over: {
    shares?: readonly Partial<Share>[];
    most?: number;
    room?: (list: ReadyList) => boolean;
    tenantStart?: number;
  } = {},
) {
  const { shares = [{}], most = 100, room = () => true, tenantStart = 0 } = over;
  const rows = lists.map((given) => ({ made: list(given), jobs: given.jobs }));
  const read: number[] = [];
  const made = new Turns({
    shares: shares.map((share) => ({ queue: 1, pass: 0, weight: 1, groupStart: 0, ...share })),
    lists: rows.map(({ made }) => made),
    tenantStart,
    most,
    source: {
      admit: room,
      read: (of, after, count) => {
        read.push(count);
        return (
          rows
            .find(({ made }) => made === of)
            ?.jobs.filter((job) => job > after)
            .slice(0, count) ?? []
        );
      },
    },
  });
  const taken = () => Object.fromEntries(made.taken().map(({ list: { group }, n }) => [group, n]));
  return { made, taken, read };
}

const range = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);

describe("Turns", () => {
  test("a single list is taken from its head, and what is left behind it is known", () => {
    const { made } = turns([{ jobs: range(1, 5) }]);
    expect(made.choose(3)).toBe(3);
    expect(made.taken()).toMatchObject([{ n: 3, emptied: false }]);
    expect(made.choose(10)).toBe(2);
    expect(made.taken()).toMatchObject([{ n: 5, emptied: true }]);
    expect(made.choose(1)).toBe(0);
  });

  test("lists of one group come in the order of arrival, whichever lane they are of", () => {
    const { made } = turns([
      { lane: 1, jobs: [1, 4, 5] },
      { lane: 2, jobs: [2, 3, 6] },
    ]);
    made.choose(4);
    expect(made.taken().map(({ list, n }) => [list.lane, n])).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });

  test("groups take turns, by weight, however long their lists are", () => {
    const { made, taken } = turns([
      { group: "a", jobs: range(1, 1_000) },
      { group: "b", jobs: range(2_000, 30), weight: 2 },
    ]);
    made.choose(30);
    expect(taken()).toEqual({ a: 10, b: 20 });
    expect(made.served().groups).toEqual([
      { queue: 1, group: "a", pass: 10, emptied: false },
      { queue: 1, group: "b", pass: 10, emptied: false },
    ]);
  });

  test("who was served before waits for the others; who comes from idleness starts level", () => {
    const { made, taken } = turns(
      [
        { group: "a", jobs: range(1, 50), pass: 12 },
        { group: "b", jobs: range(60, 50), pass: 10 },
        { group: "idle", jobs: range(120, 50), pass: 0 },
      ],
      { shares: [{ groupStart: 10 }] },
    );
    made.choose(7);
    expect(taken()).toEqual({ a: 1, b: 3, idle: 3 });
  });

  test("a higher priority goes first, and counts against its group", () => {
    const { made, taken } = turns([
      { group: "a", rank: 40, jobs: [1, 2] },
      { group: "a", rank: 50, jobs: range(10, 9) },
      { group: "b", rank: 50, jobs: range(30, 9) },
    ]);
    made.choose(4);
    expect(made.taken().map(({ list, n }) => [list.group, list.rank, n])).toEqual([
      ["a", 40, 2],
      ["b", 50, 2],
    ]);
    expect(taken()).toMatchObject({ b: 2 });
  });

  test("tenants share before groups do", () => {
    const lists = [1, 2, 3].map((n) => ({ queue: 1, lane: 1, group: `g${n}`, jobs: range(n * 100, 50) }));
    const { made } = turns([...lists, { queue: 2, lane: 2, jobs: range(900, 50) }], {
      shares: [{ queue: 1 }, { queue: 2 }],
    });
    made.choose(40);
    const of = (queue: number) => made.taken().filter(({ list }) => list.queue === queue);
    expect(of(2).map(({ n }) => n)).toEqual([20]);
    expect(of(1).reduce((sum, { n }) => sum + n, 0)).toBe(20);
    expect(made.served().tenants).toMatchObject([{ pass: 20 }, { pass: 20 }]);
  });

  test("what may not start is left, and the rest goes on", () => {
    let slots = 2;
    const { made, taken } = turns(
      [
        { group: "full", jobs: range(1, 50) },
        { group: "open", jobs: range(60, 50) },
      ],
      { room: ({ group }) => group === "open" || slots-- > 0 },
    );
    expect(made.choose(10)).toBe(10);
    expect(taken()).toEqual({ full: 2, open: 8 });
  });

  test("nothing is kept of turns that nobody shares", () => {
    const { made } = turns([{ group: "a", jobs: range(1, 9) }]);
    made.choose(5);
    expect(made.served()).toEqual({ tenants: [], queues: [], groups: [] });
  });

  test("a long list is read in a few pages, and never beyond what a claim may take", () => {
    const { made, read } = turns(
      [
        { group: "a", jobs: range(1, 5_000) },
        { group: "b", rank: 90, jobs: [9_000] },
      ],
      {
        most: 1_000,
      },
    );
    made.choose(1_000);
    expect(read.length).toBeLessThan(8);
    expect(Math.max(...read)).toBeLessThanOrEqual(1_000);
  });
});

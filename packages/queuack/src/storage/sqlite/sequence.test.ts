import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type Connection, openDatabase } from "./database.ts";
import { temporaryFolder } from "./fixtures/test-store.ts";
import { migrate } from "./migrate.ts";
import { Sequence } from "./sequence.ts";

const file = () => join(temporaryFolder(), "jobs.db");

/** A connection with its sequence, and all that was written to it. */
function holder(path: string, setsAside = true) {
  const db = openDatabase(path, "full");
  onTestFinished(() => db.close());
  migrate(db);
  return { db, sequence: new Sequence(db, setsAside) };
}

const changes = (db: Connection) => (db.prepare("SELECT total_changes() AS n").get() as { n: number }).n;

test("numbers grow, whoever takes them and however many at once", () => {
  const take = fc.record({
    who: fc.nat(2),
    kind: fc.constantFrom("seq" as const, "token" as const),
    n: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 5 }) }, fc.integer({ min: 1, max: 200 })),
  });
  fc.assert(
    fc.property(fc.array(take, { maxLength: 40 }), (takes) => {
      const path = file();
      const holders = [holder(path), holder(path), holder(path, false)];
      const last = { seq: 0, token: 0 };
      for (const { who, kind, n } of takes) {
        const first = holders[who]?.sequence.take(kind, n) ?? 0;
        expect(first).toBeGreaterThan(last[kind]);
        last[kind] = first + n - 1;
      }
      const kept = holders[0]?.db.prepare("SELECT seq, token FROM sequence").get() as typeof last;
      expect(kept.seq).toBeGreaterThanOrEqual(last.seq);
      expect(kept.token).toBeGreaterThanOrEqual(last.token);
      for (const { db } of holders) db.close();
    }),
    { numRuns: 20 },
  );
});

test("a few are set aside at once, unless somebody else may undo it", () => {
  const { db, sequence } = holder(file());
  const before = changes(db);
  for (let n = 1; n <= 64; n++) expect(sequence.take("seq", 1)).toBe(n);
  expect(changes(db) - before).toBe(1);
  const other = new Sequence(db, false);
  other.take("seq", 2);
  expect(other.take("seq", 2)).toBe(67);
  expect(sequence.take("seq", 1)).toBe(69);
});

test("what a rollback has undone is given to somebody else", () => {
  const path = file();
  const [one, two] = [holder(path), holder(path)];
  one.db.exec("BEGIN IMMEDIATE");
  one.sequence.take("seq", 1);
  one.db.exec("ROLLBACK");
  one.sequence.forget();
  expect(two.sequence.take("seq", 1)).toBe(1);
  expect(one.sequence.take("seq", 1)).toBe(65);
});

test("processes that take turns use up no more tokens than the clock allows for", () => {
  const path = file();
  const [one, two] = [holder(path), holder(path)];
  const first = one.sequence.take("token", 1);
  let last = first;
  for (let turn = 0; turn < 1_000; turn++) {
    const token = (turn % 2 === 0 ? two : one).sequence.take("token", 1);
    expect(token).toBeGreaterThan(last);
    last = token;
  }
  // Ten thousand commits a second are more than any disk gives, and a second has a million microseconds.
  expect(last - first).toBeLessThanOrEqual(1_000 * 100);
});

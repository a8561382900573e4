/**
 * Objects that have the same keys, as they cross between threads: by column, and what all have in common once. A list of
 * objects is cloned at a quarter of a microsecond a property; these cost what differs.
 */
interface Rows {
  readonly count: number;
  /** What every one has. */
  readonly same: Readonly<Record<string, unknown>>;
  /** What differs, a list for each key. */
  readonly columns: readonly (readonly [key: string, values: readonly unknown[]])[];
}

/** Shorter lists cross as they are. */
const worthPacking = 4;

/** A value whose lists of objects, where they stand at its first level, are packed. */
export interface Packed {
  readonly value: unknown;
  /** The lists by the key under which they stand. */
  readonly lists: readonly (readonly [key: string, runs: readonly Rows[]])[];
}

/** A value, ready to cross. */
export function packed(value: unknown): Packed {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return { value, lists: [] };
  const lists: [string, Rows[]][] = [];
  let rest: Record<string, unknown> | null = null;
  for (const [key, list] of Object.entries(value)) {
    if (!isLongListOfObjects(list)) continue;
    rest ??= { ...value };
    delete rest[key];
    lists.push([key, runsOf(list)]);
  }
  return { value: rest ?? value, lists };
}

/** What was packed. */
export function unpacked({ value, lists }: Packed): unknown {
  if (lists.length === 0) return value;
  const whole = value as Record<string, unknown>;
  for (const [key, runs] of lists) whole[key] = runs.flatMap(objectsOf);
  return whole;
}

function isLongListOfObjects(list: unknown): list is readonly Readonly<Record<string, unknown>>[] {
  return (
    Array.isArray(list) && list.length >= worthPacking && list.every((one) => typeof one === "object" && one !== null)
  );
}

/** The objects in runs of the same keys. */
function runsOf(list: readonly Readonly<Record<string, unknown>>[]): Rows[] {
  const runs: Rows[] = [];
  for (let from = 0; from < list.length; ) {
    const keys = Object.keys(list[from] as object);
    let to = from + 1;
    while (to < list.length && hasKeys(list[to] as object, keys)) to++;
    runs.push(rowsOf(list.slice(from, to), keys));
    from = to;
  }
  return runs;
}

function hasKeys(object: object, keys: readonly string[]): boolean {
  let i = 0;
  for (const key in object) if (keys[i++] !== key) return false;
  return i === keys.length;
}

function rowsOf(list: readonly Readonly<Record<string, unknown>>[], keys: readonly string[]): Rows {
  const same: Record<string, unknown> = {};
  const columns: [string, unknown[]][] = [];
  const [first = {}] = list;
  for (const key of keys) {
    const value = first[key];
    if (list.every((one) => one[key] === value)) same[key] = value;
    else columns.push([key, list.map((one) => one[key])]);
  }
  return { count: list.length, same, columns };
}

function objectsOf({ count, same, columns }: Rows): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, i) => {
    const one = { ...same };
    for (const [key, values] of columns) one[key] = values[i];
    return one;
  });
}

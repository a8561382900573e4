/** Set in a process that is a pool's: also in the eyes of another copy of the library. */
const mark = Symbol.for("queuack.pool-member");

/** Notes that this process is a pool's. */
export function markPoolMember(): void {
  Reflect.set(globalThis, mark, true);
}

/** Whether this process is a pool's: such a one starts no pool, or a module that does would multiply for ever. */
export function isPoolMember(): boolean {
  return Reflect.get(globalThis, mark) === true;
}

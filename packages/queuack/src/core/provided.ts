/**
 * What the application registers with `q.provide()` and handlers find as `context.provided`. Empty here; an application
 * says what there is by declaration merging: `declare module "queuack" { interface Provided { db: Database } }`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be merged with.
export interface Provided {}

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** What the audit was asked for. */
export interface AuditOptions {
  /** The folder with the node_modules; its queue is `.queuack/audit.db` in it. */
  readonly root: string;
  readonly fresh: boolean;
  readonly keepLog: string | undefined;
  readonly concurrency: number;
}

export const usage = `npm start -- [--fresh] [--keep-log FILE] [--concurrency N] [--root FOLDER]

  --fresh          start over: forget what earlier runs have found
  --keep-log FILE  append a line at each handler's end: "done" or "failed", the package, the job's id
  --concurrency N  how many packages at a time; 8 by default
  --root FOLDER    the folder whose node_modules is audited; this repository by default
`;

/** Reads the command line; `null` when only help was asked for. @throws {TypeError} for what it doesn't know */
export function readOptions(args: readonly string[]): AuditOptions | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      fresh: { type: "boolean", default: false },
      "keep-log": { type: "string" },
      concurrency: { type: "string", default: "8" },
      root: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return null;
  const log = values["keep-log"];
  return {
    // From examples/dist/audit/ up to the repository.
    root: values.root === undefined ? fileURLToPath(new URL("../../..", import.meta.url)) : resolve(values.root),
    fresh: values.fresh,
    keepLog: log === undefined ? undefined : resolve(log),
    concurrency: Number(values.concurrency),
  };
}

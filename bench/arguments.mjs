import { parseArgs } from "node:util";

/** What was asked for can't be: its message is for whoever typed it. */
export class UsageError extends Error {}

/**
 * What the command line asks for.
 * @param {string[]} argv
 * @param {readonly string[]} known names of the benches that there are
 * @returns {{ names: string[], json: boolean, quick: boolean }}
 * @throws {UsageError}
 */
export function benchArguments(argv, known) {
  const { values, positionals } = parsed(argv);
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`There is no bench ${JSON.stringify(unknown)}. Give some of ${known.join(", ")}.`);
  }
  return { names: [...new Set(positionals)], json: values.json, quick: values.quick };
}

/** @param {string[]} argv */
function parsed(argv) {
  try {
    return parseArgs({
      args: argv,
      options: { json: { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
      allowPositionals: true,
    });
  } catch (cause) {
    const problem = /** @type {Error} */ (cause).message;
    throw new UsageError(`${problem} The options are --json and --quick.`, { cause });
  }
}

import { CliError, exitCodes, usageError } from "./errors.ts";

/**
 * Asks before many jobs are touched. Resolves when the answer is yes.
 * @param what such as `cancel 42 jobs`
 * @throws {CliError} exit code 2 where nobody can be asked, 1 where the answer is no
 */
export async function confirm(
  what: string,
  terminal: { readonly input: NodeJS.ReadStream; readonly output: NodeJS.WriteStream },
): Promise<void> {
  if (!terminal.input.isTTY) throw usageError(`This would ${what}.`, "Add --yes if that is what you want.");
  const { createInterface } = await import("node:readline/promises");
  const prompt = createInterface(terminal);
  try {
    const answer = await prompt.question(`${what[0]?.toUpperCase()}${what.slice(1)}? [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError(exitCodes.failure, "Nothing was changed.");
  } finally {
    prompt.close();
  }
}

import { expect, test } from "vitest";
import { QueuackError } from "../../core/errors.ts";
import { receivedError, type SentError, sentError } from "./messages.ts";

/** What arrives of an error on the other side. */
function across(thrown: unknown): Error {
  return receivedError(JSON.parse(JSON.stringify(sentError(thrown))) as SentError);
}

test("an error of the catalogue arrives as one, with what to do, its stack and its causes", () => {
  const cause = Object.assign(new TypeError("no such host"), { code: "ENOTFOUND" });
  const error = new QueuackError("QUEUACK_INVALID_TASK", { message: "It fails.", hint: "Mend it.", cause });
  const arrived = across(error);
  expect(arrived).toBeInstanceOf(QueuackError);
  expect(arrived).toMatchObject({ code: "QUEUACK_INVALID_TASK", hint: "Mend it.", message: "It fails. Mend it." });
  expect(arrived.stack).toBe(error.stack);
  expect(arrived.cause).toMatchObject({ name: "TypeError", message: "no such host", code: "ENOTFOUND" });
});

test("whatever else is thrown arrives as an error with its words", () => {
  expect(across(new RangeError("too far"))).toMatchObject({ name: "RangeError", message: "too far" });
  expect(across("a text")).toMatchObject({ name: "Error", message: "a text" });
  const own = Object.assign(new Error("mine"), { name: "QueuackError", code: "QUEUACK_OF_ANOTHER_RELEASE" });
  expect(across(own)).toMatchObject({ name: "QueuackError", message: "mine", code: "QUEUACK_OF_ANOTHER_RELEASE" });
});

test("a chain of causes that leads back to itself ends", () => {
  const error = new Error("around");
  error.cause = error;
  expect(across(error).cause).toMatchObject({ message: "around" });
});

import { type ErrorCode, QueuackError } from "./errors.ts";

/**
 * A way to write inputs and results: how a value becomes text or bytes, and comes back. Synchronous. Its name is stored
 * with everything that it wrote, so it stays the same for as long as anything of that is kept.
 */
export interface Codec {
  /** 1 to 64 letters, digits, dots, dashes and underscores; begins with a letter or a digit. */
  readonly name: string;
  /**
   * Never gets `undefined`: that is stored as nothing at all.
   * @param what names the value in errors, such as `input`
   */
  encode(value: unknown, what: string): string | Uint8Array;
  /** Gets what `encode` made: text where it made text, bytes where it made bytes. */
  decode(stored: string | Uint8Array): unknown;
}

/** A codec as an option names it: one of the two that are built in, or one of the user's own. */
export type CodecOption = "json" | "structured" | Codec;

const builtIn: readonly unknown[] = ["json", "structured"];

/** An option that chooses a codec, checked. @throws {QueuackError} of the code given */
export function checkedCodec(given: unknown, what: string, code: ErrorCode = "QUEUACK_INVALID_OPTION"): CodecOption {
  if (builtIn.includes(given)) return given as CodecOption;
  const { name, encode, decode } = (typeof given === "object" && given !== null ? given : {}) as Partial<Codec>;
  if (typeof encode !== "function" || typeof decode !== "function") {
    throw new QueuackError(code, {
      message: `${what} is no codec.`,
      hint: 'Give "json", "structured", or an object with name, encode and decode.',
    });
  }
  if (typeof name !== "string" || !/^[a-z0-9][\w.-]{0,63}$/i.test(name) || builtIn.includes(name)) {
    throw new QueuackError(code, {
      message: `${what} has the name ${typeof name === "string" ? JSON.stringify(name) : String(name)}.`,
      hint: "Give it 1 to 64 letters, digits, dots, dashes or underscores; json and structured are taken.",
    });
  }
  return given as Codec;
}

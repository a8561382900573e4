import { NonRetryableError, QueuackError, RetryAfter } from "../../core/errors.ts";

/** Anything that was thrown, in a form that crosses over to another thread or process. */
export type PackedError =
  | {
      readonly isError: true;
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      readonly cause: PackedError | undefined;
      /** Its own fields that hold texts, numbers or truth values, such as `code` or a status. */
      readonly fields: Readonly<Record<string, unknown>>;
    }
  | { readonly isError: false; readonly value: unknown };

/** The classes that are kept; every other error comes back as an `Error` that bears its name. */
const classes = [
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
  QueuackError,
  NonRetryableError,
  RetryAfter,
];

/** How deep causes are followed. */
const deepest = 4;

/** Packs what was thrown. Never throws, whatever it is. */
export function packError(thrown: unknown, depth = 0): PackedError {
  try {
    if (!isError(thrown)) return { isError: false, value: plain(thrown) };
    const { name, message, stack, cause } = thrown;
    return {
      isError: true,
      name: String(name),
      message: String(message),
      stack: typeof stack === "string" ? stack : undefined,
      cause: cause === undefined || depth >= deepest ? undefined : packError(cause, depth + 1),
      fields: Object.fromEntries(Object.entries(thrown).filter(([, value]) => isFact(value))),
    };
  } catch {
    // An error whose own properties throw (a proxy, a hostile getter) still deserves to be told.
    const message = "The handler threw an error that can't be read.";
    return { isError: true, name: "Error", message, stack: undefined, cause: undefined, fields: {} };
  }
}

/** What was thrown, rebuilt: of its class where it is a built-in one or Queuack's, otherwise an `Error` of its name. */
export function unpackError(packed: PackedError): unknown {
  if (!packed.isError) return packed.value;
  const error = new Error(
    packed.message,
    packed.cause === undefined ? undefined : { cause: unpackError(packed.cause) },
  );
  const known = classes.find((one) => one.name === packed.name);
  if (known !== undefined) Object.setPrototypeOf(error, known.prototype);
  const hidden = { writable: true, configurable: true, enumerable: false };
  Object.defineProperty(error, "stack", { ...hidden, value: packed.stack });
  if (error.name !== packed.name) Object.defineProperty(error, "name", { ...hidden, value: packed.name });
  return Object.assign(error, packed.fields);
}

/** An error of this realm or of another one, such as a `node:vm` context's. */
function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || Object.prototype.toString.call(thrown) === "[object Error]";
}

function isFact(value: unknown): boolean {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

/** A thrown value that is no error: itself where it can be sent, otherwise as text. */
function plain(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    // A function, a symbol, an object with one of them.
    return String(value);
  }
}

import { type Codec, type CodecOption, checkedCodec } from "../core/codec.ts";
import { QueuackError } from "../core/errors.ts";
import type { Payload } from "../core/job.ts";
import { decodePayload, encodePayload, notStorable, withinLimit } from "../core/payload.ts";
import { structured } from "./structured.ts";

/** What a payload is shown as that can't be read here. */
export interface UnreadablePayload {
  /** The name of the codec that wrote it. */
  readonly $codec: string;
  /** Why: `QUEUACK_UNKNOWN_CODEC` or `QUEUACK_CODEC_FAILED`. */
  readonly $error: string;
}

/** How the name of a codec stands before what it wrote. */
const mark = /^~([a-z0-9][\w.-]{0,63})(;base64)?:/i;

/**
 * The codecs that a connection knows: writes with the one that is asked for, reads by the name in the stored text. JSON
 * and `structured` are always known; so is every codec that was written with here.
 */
export class Codecs {
  readonly #own: CodecOption;
  readonly #known = new Map<string, Codec>([[structured.name, structured]]);

  /**
   * @param own what is written with where a task names none
   * @param others more to read with
   * @throws {QueuackError} `QUEUACK_INVALID_OPTION`
   */
  constructor(own: CodecOption = "json", others: readonly Codec[] = []) {
    this.#own = own;
    for (const codec of [own, ...others]) this.learn(codec);
  }

  /** Makes a codec known. @throws {QueuackError} `QUEUACK_INVALID_OPTION` where another one has its name */
  learn(codec: CodecOption | undefined): void {
    if (codec !== undefined && codec !== "json") this.#learned(codec);
  }

  /**
   * The stored form of a value; `null` for `undefined`.
   * @param what names the value in errors, such as `input`
   * @param limit most bytes of the stored form
   * @throws {QueuackError} `QUEUACK_NOT_STORABLE`, `QUEUACK_PAYLOAD_TOO_LARGE`, `QUEUACK_INVALID_OPTION` as `learn`
   */
  encode(value: unknown, what: string, limit: number, codec: CodecOption = this.#own): Payload {
    if (value === undefined) return null;
    if (codec === "json") return encodePayload(value, what, limit);
    const writer = this.#learned(codec);
    return withinLimit(marked(writer.name, written(writer, value, what), what), what, limit);
  }

  /**
   * The value of a stored payload; `undefined` for `null`.
   * @param what names it in errors, such as `input`
   * @throws {QueuackError} `QUEUACK_UNKNOWN_CODEC`, `QUEUACK_CODEC_FAILED`; `details.codec` is the codec's name
   */
  decode(payload: Payload, what: string): unknown {
    let name = "json";
    try {
      if (payload === null || !payload.startsWith("~")) return decodePayload(payload);
      const [head, codec = "?", base64] = mark.exec(payload) ?? [""];
      name = codec;
      const reader = this.#known.get(name);
      if (reader === undefined) throw unknownCodec(name, what);
      const text = payload.slice(head.length);
      return reader.decode(base64 === undefined ? text : Buffer.from(text, "base64"));
    } catch (cause) {
      if (cause instanceof QueuackError && cause.code === "QUEUACK_UNKNOWN_CODEC") throw cause;
      const message = `The stored ${what} can't be read as ${name === "json" ? "JSON" : `what codec ${name} wrote`}.`;
      throw new QueuackError("QUEUACK_CODEC_FAILED", { message, details: { codec: name }, cause });
    }
  }

  /** The value of a stored payload for people; where it can't be read, an `UnreadablePayload`. Never throws. */
  shown(payload: Payload): unknown {
    try {
      return this.decode(payload, "payload");
    } catch (error) {
      const { code, details } = error as QueuackError;
      return { $codec: String(details.codec), $error: code } satisfies UnreadablePayload;
    }
  }

  #learned(codec: "structured" | Codec): Codec {
    if (codec === "structured") return structured;
    const known = this.#known.get(codec.name);
    if (known === codec) return codec;
    checkedCodec(codec, "A codec");
    if (known !== undefined) {
      throw new QueuackError("QUEUACK_INVALID_OPTION", {
        message: `Two codecs are named ${codec.name}.`,
        hint: "Make a codec once and share it, or give each a name of its own: what is stored is read by that name.",
      });
    }
    this.#known.set(codec.name, codec);
    return codec;
  }
}

function written(codec: Codec, value: unknown, what: string): string | Uint8Array {
  try {
    return codec.encode(value, what);
  } catch (cause) {
    if (cause instanceof QueuackError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw notStorable(what, [], `can't be written by codec ${codec.name}: ${why}`, { cause, hint: "See the cause." });
  }
}

/** What a codec made, behind its name. */
function marked(name: string, made: unknown, what: string): string {
  if (made instanceof Uint8Array) {
    return `~${name};base64:${Buffer.from(made.buffer, made.byteOffset, made.byteLength).toString("base64")}`;
  }
  const hint = "Let the codec make text or bytes, and not a promise of them.";
  if (typeof made !== "string") throw notStorable(what, [], `became neither text nor bytes by codec ${name}`, { hint });
  // Half a surrogate pair would come back from the database as another character.
  if (/\p{Cs}/u.test(made)) throw notStorable(what, [], `became text with half characters by codec ${name}`, { hint });
  return `~${name}:${made}`;
}

function unknownCodec(name: string, what: string): QueuackError {
  return new QueuackError("QUEUACK_UNKNOWN_CODEC", {
    message: `The stored ${what} was written by codec ${name}, which this connection does not know.`,
    details: { codec: name },
  });
}

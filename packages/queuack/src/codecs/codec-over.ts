import { type Codec, type CodecOption, checkedCodec } from "../core/codec.ts";
import { decodePayload, encodePayload, notStorable } from "../core/payload.ts";
import { structured } from "./structured.ts";

/**
 * A codec that does something to the bytes of another one, such as compressing or encrypting them:
 * `codecOver("json", { name: "gzip", encode: gzipSync, decode: gunzipSync })`. Can itself be the inner one of a third.
 * @param inner turns the value into bytes: `"json"`, `"structured"`, or a codec of one's own that makes bytes, not text
 * @param outer bytes to bytes and back; its name is that of the codec
 * @throws {QueuackError} `QUEUACK_INVALID_OPTION`
 */
export function codecOver(
  inner: CodecOption,
  outer: {
    readonly name: string;
    encode(bytes: Uint8Array): Uint8Array;
    decode(bytes: Uint8Array): Uint8Array;
  },
): Codec {
  checkedCodec(inner, "The inner codec");
  checkedCodec(outer, "The outer codec");
  const below = inner === "json" ? json : inner === "structured" ? structured : inner;
  return {
    name: outer.name,
    encode(value, what) {
      const bytes = below.encode(value, what);
      if (typeof bytes !== "string") return outer.encode(bytes);
      const hint = "Let the inner codec make bytes.";
      throw notStorable(what, [], `became text by codec ${below.name}, where codec ${outer.name} needs bytes`, {
        hint,
      });
    },
    // A codec is only given what it made, and this one makes bytes.
    decode: (stored) => below.decode(outer.decode(stored as Uint8Array)),
  };
}

const json: Codec = {
  name: "json",
  encode: (value, what) => Buffer.from(encodePayload(value, what, Number.POSITIVE_INFINITY) ?? "null", "utf8"),
  decode: (stored) => decodePayload(Buffer.from(stored as Uint8Array).toString("utf8")),
};

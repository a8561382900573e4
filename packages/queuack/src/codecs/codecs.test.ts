import { describe, expect, test } from "vitest";
import type { Codec } from "../core/codec.ts";
import type { QueuackError } from "../core/errors.ts";
import { Codecs } from "./codecs.ts";

const roomy = 1_000_000;
const reversed: Codec = {
  name: "reversed",
  encode: (value) => [...JSON.stringify(value)].reverse().join(""),
  decode: (stored) => JSON.parse([...(stored as string)].reverse().join("")),
};
const bytes: Codec = {
  name: "bytes.v1",
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (stored) => [stored instanceof Uint8Array, JSON.parse(Buffer.from(stored as Uint8Array).toString())],
};
const caught = (act: () => unknown): QueuackError => {
  try {
    act();
  } catch (error) {
    return error as QueuackError;
  }
  return expect.unreachable("it should have thrown");
};

describe("what is stored", () => {
  test("is plain JSON by default, and nothing for undefined, whatever the codec", () => {
    expect(new Codecs().encode({ a: "~1" }, "input", roomy)).toBe('{"a":"~1"}');
    expect(new Codecs("structured").encode(undefined, "input", roomy)).toBeNull();
    expect(new Codecs(reversed).decode(null, "input")).toBeUndefined();
  });

  test("names its codec; a codec is given what it made", () => {
    const codecs = new Codecs(reversed);
    expect(codecs.encode({ a: 1 }, "input", roomy)).toBe('~reversed:}1:"a"{');
    expect(codecs.decode('~reversed:}1:"a"{', "input")).toEqual({ a: 1 });
    expect(codecs.encode(1, "input", roomy, bytes)).toBe("~bytes.v1;base64:MQ==");
    expect(codecs.decode("~bytes.v1;base64:MQ==", "input")).toEqual([true, 1]);
  });

  test("is written with the codec of the task before that of the connection", () => {
    const codecs = new Codecs(reversed);
    expect(codecs.encode([1], "input", roomy, "json")).toBe("[1]");
    expect(codecs.encode([1], "input", roomy, "structured")).toMatch(/^~structured;base64:/);
  });

  test("counts against the limit as it is stored, with the name", () => {
    const codecs = new Codecs(reversed);
    const text = "~reversed:21";
    expect(codecs.encode(12, "input", text.length)).toBe(text);
    expect(caught(() => codecs.encode(12, "input", text.length - 1)).code).toBe("QUEUACK_PAYLOAD_TOO_LARGE");
    const wide: Codec = { name: "wide", encode: () => "ä", decode: () => "ä" };
    expect(caught(() => codecs.encode(1, "input", "~wide:ä".length, wide)).code).toBe("QUEUACK_PAYLOAD_TOO_LARGE");
  });

  test.each<[string, Codec["encode"]]>([
    ["a promise", (async () => "x") as unknown as Codec["encode"]],
    ["nothing", (() => undefined) as unknown as Codec["encode"]],
    ["half a surrogate pair", () => "\ud83d"],
    [
      "an error",
      () => {
        throw new TypeError("no key");
      },
    ],
  ])("is refused where the codec makes %s", (_, encode) => {
    const error = caught(() => new Codecs({ name: "odd", encode, decode: () => 1 }).encode(1, "input", roomy));
    expect(error.code).toBe("QUEUACK_NOT_STORABLE");
    expect(error.message).toMatch(/^input .*codec odd/);
  });
});

describe("what can't be read", () => {
  test("names the codec that is missing", () => {
    const error = caught(() => new Codecs().decode("~gzip;base64:secret", "result of job 1"));
    expect(error).toMatchObject({ code: "QUEUACK_UNKNOWN_CODEC", details: { codec: "gzip" } });
    expect(error.message).toBe(
      "The stored result of job 1 was written by codec gzip, which this connection does not know. " +
        "Give the codec to this connection: connect(url, { codecs: [codec] }).",
    );
  });

  test.each([
    ["json", "{secret"],
    ["reversed", "~reversed:secret"],
    ["structured", "~structured;base64:c2VjcmV0"],
    ["structured", "~structured:secret"],
    ["?", "~~secret"],
  ])("by codec %s says so, without the text: %s", (codec, payload) => {
    const codecs = new Codecs(reversed);
    const error = caught(() => codecs.decode(payload, "input"));
    expect(error).toMatchObject({ details: { codec } });
    expect(error.code).toBe(codec === "?" ? "QUEUACK_UNKNOWN_CODEC" : "QUEUACK_CODEC_FAILED");
    expect(error.message).not.toContain("secret");
    expect(codecs.shown(payload)).toEqual({ $codec: codec, $error: error.code });
  });
});

describe("codecs are known by their names", () => {
  test("those given, those written with, and those learned from tasks", () => {
    const codecs = new Codecs("json", [bytes]);
    expect(codecs.decode("~bytes.v1;base64:MQ==", "input")).toEqual([true, 1]);
    expect(caught(() => codecs.decode("~reversed:1", "input")).code).toBe("QUEUACK_UNKNOWN_CODEC");
    codecs.learn(reversed);
    expect(codecs.decode("~reversed:1", "input")).toBe(1);
    const other = new Codecs();
    other.encode(1, "input", roomy, reversed);
    expect(other.decode("~reversed:1", "input")).toBe(1);
  });

  test("two of one name are refused, the same one twice is not", () => {
    expect(() => new Codecs(bytes, [bytes])).not.toThrow();
    const error = caught(() => new Codecs(bytes, [{ ...reversed, name: "bytes.v1" }]));
    expect(error.code).toBe("QUEUACK_INVALID_OPTION");
    expect(error.message).toContain("Two codecs are named bytes.v1");
  });
});

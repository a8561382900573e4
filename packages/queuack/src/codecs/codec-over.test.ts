import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Codec } from "../core/codec.ts";
import { codecOver } from "./codec-over.ts";
import { Codecs } from "./codecs.ts";

const gzip = { name: "gzip", encode: gzipSync, decode: gunzipSync };
const flipped = {
  name: "flipped",
  encode: (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0xff),
  decode: (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0xff),
};
const roomy = 1_000_000;

describe("a codec over another", () => {
  test("JSON, compressed: small, and back as it was", () => {
    const codecs = new Codecs(codecOver("json", gzip));
    const value = { text: "ä😀".repeat(5_000), n: [1, null] };
    const stored = codecs.encode(value, "input", roomy) as string;
    expect(stored).toMatch(/^~gzip;base64:H4sI/);
    expect(stored.length).toBeLessThan(1_000);
    expect(codecs.decode(stored, "input")).toEqual(value);
  });

  test("a stack of three", () => {
    const codecs = new Codecs(codecOver(codecOver("structured", gzip), flipped));
    const value = new Map([[1n, new Date(0)]]);
    const stored = codecs.encode(value, "input", roomy) as string;
    expect(stored).toMatch(/^~flipped;base64:/);
    expect(codecs.decode(stored, "input")).toEqual(value);
  });

  test("refuses what the inner one refuses, with the path", () => {
    const json = new Codecs(codecOver("json", gzip));
    expect(() => json.encode({ a: [1n] }, "input", roomy)).toThrow(/^input\.a\[0\] is a bigint\./);
    const more = new Codecs(codecOver("structured", gzip));
    expect(() => more.encode({ a: () => 1 }, "result", roomy)).toThrow(/^result\.a is a function\./);
  });

  test("takes bytes only, and codecs only", () => {
    const text: Codec = { name: "text", encode: String, decode: Number };
    expect(() => new Codecs(codecOver(text, gzip)).encode(1, "input", roomy)).toThrow(
      /^input became text by codec text, where codec gzip needs bytes\. Let the inner codec make bytes\./,
    );
    expect(() => codecOver("xml" as "json", gzip)).toThrow(/The inner codec is no codec/);
    expect(() => codecOver("json", { ...gzip, name: "json" })).toThrow(/The outer codec has the name "json"/);
  });
});

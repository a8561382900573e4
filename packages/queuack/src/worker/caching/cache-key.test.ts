import { expect, test } from "vitest";
import { storedKey } from "./cache-key.ts";

test.each(["a", "images/größe 3.png?x=1", "x".repeat(200)])("a short and plain key is stored as it is: %s", (key) => {
  expect(storedKey(key)).toBe(key);
});

test("other keys are stored by a hash of 71 characters, and no two by the same", () => {
  const plain = storedKey("x".repeat(201));
  const keys = ["", "x".repeat(201), "x".repeat(100_000), "a\u0000b", "a\nb", "\ud800", "\ud801", plain, "sha256:"];
  const stored = keys.map(storedKey);
  for (const key of stored) expect(key).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(new Set(stored).size).toBe(keys.length);
  expect(storedKey("x".repeat(201))).toBe(plain);
});

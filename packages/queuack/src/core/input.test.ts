import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { validInput } from "./input.ts";

/** A Standard Schema made by hand, as any library may bring one. */
function schema(
  validate: (value: unknown) => StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>,
) {
  return { "~standard": { version: 1, vendor: "by-hand", validate } } satisfies StandardSchemaV1;
}

describe("an input that fits", () => {
  test("is taken as it is where the task has no schema", () => {
    const input = { any: "thing" };
    expect(validInput(undefined, input, "resize")).toBe(input);
  });

  test("becomes what the schema makes of it, at once", () => {
    const shape = z.object({ width: z.coerce.number(), format: z.string().default("png") });
    expect(validInput(shape, { width: "300" }, "resize")).toEqual({ width: 300, format: "png" });
  });

  test("becomes what an asynchronous schema makes of it, in time", async () => {
    const shape = z.string().transform(async (text) => text.length);
    await expect(validInput(shape, "four", "resize")).resolves.toBe(4);
  });

  test("is checked by any Standard Schema", async () => {
    const even = (value: unknown) => ({ value: Number(value) * 2 });
    expect(validInput(schema(even), 2, "double")).toBe(4);
    await expect(
      validInput(
        schema(async (value) => even(value)),
        2,
        "double",
      ),
    ).resolves.toBe(4);
  });
});

describe("an input that does not fit", () => {
  const shape = z.object({ size: z.object({ width: z.number(), tags: z.array(z.string()) }) });
  const wrong = { size: { width: "wide", tags: ["a", 5] } };

  test("is refused with every issue and its path", () => {
    expect(() => validInput(shape, wrong, "resize")).toThrow(
      expect.objectContaining({
        code: "QUEUACK_INVALID_INPUT",
        message: expect.stringMatching(/does not fit task resize: input\.size\.width: .*; input\.size\.tags\.1: /),
        details: {
          task: "resize",
          issues: [expect.stringMatching(/^input\.size\.width: /), expect.stringMatching(/^input\.size\.tags\.1: /)],
        },
      }),
    );
  });

  test("is refused by an asynchronous schema, too", async () => {
    const short = z.object({
      name: z
        .string()
        .transform(async (text) => text.length)
        .pipe(z.number().max(3)),
    });
    await expect(validInput(short, { name: "too long" }, "greet")).rejects.toMatchObject({
      code: "QUEUACK_INVALID_INPUT",
      details: { task: "greet", issues: [expect.stringMatching(/^input\.name: /)] },
    });
  });

  test("shows paths as keys, as segments and as symbols, and an issue without a path", () => {
    const issues = [
      { message: "too small", path: ["a", { key: 0 }, { key: Symbol("secret") }] },
      { message: "is odd" },
    ];
    expect(() =>
      validInput(
        schema(() => ({ issues })),
        1,
        "pick",
      ),
    ).toThrow("input.a.0.Symbol(secret): too small; input: is odd.");
  });
});

// What docs/testing.md shows is the code of this folder.
import { readFile } from "node:fs/promises";
import { expectEnqueued, testQueue } from "queuack/testing";
import { expect, test } from "vitest";
import { signUp, welcome } from "./signup.ts";

const text = (path: string) => readFile(new URL(path, import.meta.url), "utf8");

test("the page on testing shows the example as it is", async () => {
  const page = await text("../../docs/testing.md");
  const sources = [await text("signup.ts"), await text("signup.test.ts")];
  const blocks = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code);
  expect(blocks.length).toBeGreaterThan(4);
  for (const block of blocks) {
    expect(
      sources.some((source) => source.includes(block)),
      block,
    ).toBe(true);
  }
});

test("and what a failed assertion says", async () => {
  const page = await text("../../docs/testing.md");
  const [, shown] = /```text\n([\s\S]*?)\n```/.exec(page) ?? [];
  const { q, close } = await testQueue();
  await signUp(q, "Ada", "ada@example.org");
  const failed = await expectEnqueued(q, welcome, { name: "Bob" }).catch((error: Error) => error);
  await close();
  expect(String((failed as Error).message).replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "019b…")).toBe(shown);
});

test("and all that the kit has", async () => {
  const page = await text("../../docs/testing.md");
  const kit = await import("queuack/testing");
  for (const name of Object.keys(kit)) expect(page).toContain(name);
});

import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("QUEUACK_")));

test("the README shows the example as it is", async () => {
  const readme = await readFile(path("../../README.md"), "utf8");
  const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);
  expect(blocks).toEqual([await readFile(path("main.ts"), "utf8")]);
});

test("it greets, and again from the file that is there by then", async () => {
  const cwd = await mkdtemp(join(tmpdir(), "queuack-quickstart-"));
  try {
    for (let run = 0; run < 2; run++) {
      const { stdout } = await promisify(execFile)(process.execPath, [path("../dist/quickstart/main.js")], {
        cwd,
        env,
      });
      expect(stdout).toBe("Hello, Ada!\n");
    }
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
});

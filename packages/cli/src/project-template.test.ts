import { expect, test } from "vitest";
import { packageName, projectFiles } from "./project-template.ts";

test("a package is named after its folder, as far as npm allows", () => {
  const names = [
    "my-app",
    "My App",
    "_private",
    ".hidden",
    "Größe №7",
    "a__b",
    "---",
    "日本",
    "node_modules",
    "queuack",
  ];
  expect(names.map((name) => packageName(name, ["queuack"]))).toEqual([
    "my-app",
    "my-app",
    "private",
    "hidden",
    "gro-e-no7",
    "a__b",
    "queuack-app",
    "queuack-app",
    "queuack-app",
    "queuack-app",
  ]);
  expect(packageName("x".repeat(300), [])).toHaveLength(214);
});

test("every template is filled in, and both languages have the same files", async () => {
  const facts = { name: "my-app", version: "1.2.3" };
  const [typescript, javascript] = await Promise.all([
    projectFiles("typescript", facts),
    projectFiles("javascript", facts),
  ]);
  const paths = (files: typeof typescript) => files.map(({ path }) => path);
  expect(paths(typescript)).toEqual([
    ".gitignore",
    "README.md",
    "package.json",
    "src/main.ts",
    "src/queue.ts",
    "src/tasks.test.ts",
    "src/tasks.ts",
    "src/worker.ts",
    "tsconfig.json",
  ]);
  expect(paths(javascript).toSorted()).toEqual(
    paths(typescript)
      .filter((path) => path !== "tsconfig.json")
      .map((path) => path.replace(/\.ts$/, ".js"))
      .sort(),
  );
  for (const { text } of [...typescript, ...javascript]) expect(text).not.toContain("{{");
  const manifest = JSON.parse(typescript.find(({ path }) => path === "package.json")?.text ?? "");
  expect(manifest).toMatchObject({ name: "my-app", type: "module", dependencies: { queuack: "^1.2.3" } });
});

import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (path: string) => fileURLToPath(new URL(`packages/queuack/src/${path}`, import.meta.url));

export default defineConfig({
  resolve: {
    // Unit tests read the sources and need no build; a test that spawns a process runs what `npm test` has built.
    alias: [
      { find: /^queuack$/, replacement: source("index.ts") },
      { find: /^queuack\/modules$/, replacement: source("modules/index.ts") },
      { find: /^queuack\/testing$/, replacement: source("testing/index.ts") },
    ],
  },
  test: {
    include: [
      ...["packages", "test", "examples", "scripts"].map((room) => `${room}/**/*.test.ts`),
      // Node runs the benches as they are written, and so their tests.
      "bench/*.test.mjs",
    ],
    // Processes, for a native module that crashes takes one file's tests with it, not the run.
    pool: "forks",
    maxWorkers: 2,
    // Room for a busy two-core machine: a test waits for a signal, and these only end what hangs.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    coverage: {
      provider: "v8",
      include: ["packages/queuack/src/**/*.ts"],
      // Lists of exports and what only tests use hold nothing to cover.
      exclude: ["**/*.test.ts", "**/*.test-d.ts", "**/index.ts", "**/conformance/**", "**/fixtures/**"],
      reporter: ["text-summary", "html"],
      thresholds: { lines: 90, branches: 85 },
    },
  },
});

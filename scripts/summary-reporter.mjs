// A vitest reporter that counts for scripts/test.mjs: into the file SUMMARY_COUNTS_FILE, after every test file, so that
// the counts of a run that is killed are there too.
import { writeFileSync } from "node:fs";

/** Counts every test once; a file that can't be loaded, a broken suite hook and an unhandled error each count as failed. */
export default class SummaryReporter {
  #ended = [];

  onTestModuleEnd(testModule) {
    this.#ended.push(testModule);
    write(this.#ended, [], false);
  }

  onTestRunEnd(testModules, unhandledErrors) {
    write(testModules, unhandledErrors, testModules.length > 0);
  }
}

function write(testModules, unhandledErrors, finished) {
  const counts = { passed: 0, failed: unhandledErrors.length, skipped: 0, finished };
  for (const testModule of testModules) {
    for (const suite of [testModule, ...testModule.children.allSuites()])
      if (suite.errors().length > 0) counts.failed += 1;
    for (const test of testModule.children.allTests()) {
      const { state } = test.result();
      counts[state === "pending" ? "skipped" : state] += 1;
    }
  }
  writeFileSync(process.env.SUMMARY_COUNTS_FILE, JSON.stringify(counts));
}

import { QueuackError } from "../../core/errors.ts";
import { loadModule, type ModuleExports } from "../../modules/load-module.ts";
import { type AnyTask, isTask, tasksOf } from "../../modules/load-tasks.ts";

const modules = new Map<string, Promise<ModuleExports>>();

/** Whether a module has been imported before. */
export function isLoaded(url: string): boolean {
  return modules.has(url);
}

/**
 * The task that a module exports: under the name given, or the one that bears its name. Modules are imported once.
 * @param url a `file:` URL
 * @throws {QueuackError} `QUEUACK_INVALID_TASK` where it isn't there
 */
export async function loadTask(url: string, exported: string | undefined, name: string): Promise<AnyTask> {
  let loading = modules.get(url);
  if (loading === undefined) {
    loading = loadModule(url);
    modules.set(url, loading);
  }
  const exports = await loading;
  const found = exported === undefined ? tasksOf(exports) : [exportOf(exports, exported)].filter(isTask);
  const task = found.find((one) => one.name === name);
  if (task !== undefined) return task;
  const names = found.map((one) => one.name).join(", ") || "none";
  throw new QueuackError("QUEUACK_INVALID_TASK", {
    message:
      exported === undefined
        ? `The module ${url} exports no task ${name}; it exports ${names}.`
        : `The export ${exported} of ${url} is not task ${name}.`,
    hint: 'Export what task() returns, and name it: module: import.meta.url, export: "resize".',
  });
}

/** CommonJS may show its exports in the default one alone. */
function exportOf(exports: ModuleExports, key: string): unknown {
  return exports[key] ?? (exports.default as ModuleExports | null | undefined)?.[key];
}

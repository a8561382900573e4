import { QueuackError } from "../../core/errors.ts";
import type { TaskDefinition } from "../../core/task.ts";
import { loadModule, type ModuleExports } from "./module-loader.ts";

/** A task of whatever input and result. */
export type AnyTask = TaskDefinition<never, unknown>;

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

/** The tasks among the exports: by themselves, in arrays, in a default export that holds them by name. */
function tasksOf(exports: ModuleExports): AnyTask[] {
  const standard = exports.default;
  const more = typeof standard === "object" && standard !== null && !isTask(standard) ? Object.values(standard) : [];
  return [...new Set([...Object.values(exports), ...more].flat().filter(isTask))];
}

/** By its shape, for the module may bring another copy of Queuack. */
function isTask(value: unknown): value is AnyTask {
  if (typeof value !== "object" || value === null) return false;
  const { name, options } = value as { name?: unknown; options?: { run?: unknown } };
  return typeof name === "string" && typeof options?.run === "function";
}

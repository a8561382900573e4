import { stat } from "node:fs/promises";
import { relative, resolve } from "node:path";
import { QueuackError } from "../core/errors.ts";
import type { TaskDefinition } from "../core/task.ts";
import { loadModule, type ModuleExports } from "./load-module.ts";

/** A task of whatever input and result. */
export type AnyTask = TaskDefinition<never, unknown>;

/**
 * The tasks that modules export: named exports, a default export, and arrays of tasks as either.
 * @param paths relative to `folder`, or absolute
 * @throws {QueuackError} `QUEUACK_UNKNOWN_MODULE` where there is no such module; `QUEUACK_INVALID_TASK` where it fails to
 *   load, exports no task, or two tasks bear one name; `QUEUACK_MISSING_PACKAGE`
 */
export async function loadTasks(paths: readonly string[], folder: string): Promise<AnyTask[]> {
  const from = new Map<string, { task: AnyTask; path: string }>();
  for (const path of paths) {
    const tasks = tasksOf(await load(path, folder));
    if (tasks.length === 0) {
      throw new QueuackError("QUEUACK_INVALID_TASK", {
        message: `The module ${path} exports no task.`,
        hint: 'Export what task() returns: export const resize = task({ name: "resize", run: … }).',
      });
    }
    for (const task of tasks) {
      const known = from.get(task.name);
      if (known !== undefined && known.task !== task) {
        const places = known.path === path ? path : `${known.path} and ${path}`;
        throw new QueuackError("QUEUACK_INVALID_TASK", {
          message: `Two different tasks are named ${task.name}, in ${places}.`,
          hint: "Give each task a name of its own.",
        });
      }
      from.set(task.name, { task, path });
    }
  }
  return [...from.values()].map(({ task }) => task);
}

/** The task definitions among the exports of a module, each once. */
export function tasksOf(exports: ModuleExports): AnyTask[] {
  const found = new Set<AnyTask>();
  const look = (value: unknown) => {
    if (isTask(value)) found.add(value);
    else if (Array.isArray(value)) for (const item of value) if (isTask(item)) found.add(item);
  };
  for (const value of Object.values(exports)) look(value);
  // A default export may hold tasks by name: that is also how Node shows the exports of CommonJS.
  const standard = exports.default;
  if (typeof standard === "object" && standard !== null && !isTask(standard)) Object.values(standard).forEach(look);
  return [...found];
}

/** By its shape, for the module may bring another copy of the library. */
function isTask(value: unknown): value is AnyTask {
  if (typeof value !== "object" || value === null) return false;
  const { name, options } = value as { name?: unknown; options?: { run?: unknown } };
  return typeof name === "string" && typeof options === "object" && typeof options?.run === "function";
}

async function load(path: string, folder: string): Promise<ModuleExports> {
  const file = resolve(folder, path);
  const kind = await stat(file).catch(() => null);
  if (kind === null) {
    throw new QueuackError("QUEUACK_UNKNOWN_MODULE", {
      message: `There is no module ${path}.`,
      hint: `Looked for ${file}; name the file with its ending, such as src/tasks.ts.`,
    });
  }
  if (kind.isDirectory()) {
    const name = relative(folder, file) || ".";
    throw new QueuackError("QUEUACK_INVALID_OPTION", {
      message: `${path} is a folder.`,
      hint: `Name its modules: ${name}/tasks.ts.`,
    });
  }
  try {
    return await loadModule(file);
  } catch (cause) {
    if (cause instanceof QueuackError && cause.code === "QUEUACK_MISSING_PACKAGE") throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new QueuackError("QUEUACK_INVALID_TASK", {
      message: `The module ${path} could not be loaded: ${message}`,
      hint: "Mend the module, or what it imports.",
      cause,
    });
  }
}

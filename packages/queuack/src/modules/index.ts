export { loadModule, type ModuleExports } from "./load-module.ts";
export { type AnyTask, loadTasks, tasksOf } from "./load-tasks.ts";

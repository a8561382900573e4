import { type ByteSize, bytes } from "./byte-size.ts";
import { QueuackError } from "./errors.ts";

/** Where a handler can run: in its worker's event loop, in a thread, or in a process of its own. */
const isolations = ["inline", "thread", "process"] as const;

/** Where a handler runs. */
export type Isolation = (typeof isolations)[number];

/** What a task says about where its handler runs. No function is ever sent anywhere: what is isolated is found by its module. */
export interface IsolationReference {
  /** `inline` by default. `thread` and `process` need `module`. */
  readonly isolation?: Isolation | undefined;
  /** Where the task is exported, as a `file:` URL (`import.meta.url`) or an absolute path; TypeScript too. */
  readonly module?: string | URL | undefined;
  /** The name of the export that is the task; by default the exports are searched for the task of this name. */
  readonly export?: string | undefined;
  /** The most heap that V8 may use for the handler, such as `"256mb"`; at least 16 MB. */
  readonly memoryLimit?: ByteSize | undefined;
}

/** The least that a thread or process starts with, bytes. */
const leastMemory = 16 * 1_048_576;

/** Checks where a task says that it runs. @throws {QueuackError} `QUEUACK_INVALID_TASK`, `QUEUACK_INVALID_OPTION` */
export function checkIsolation(name: string, options: IsolationReference): void {
  const { isolation = "inline", module, export: exported, memoryLimit } = options;
  if (!isolations.includes(isolation)) {
    throw refused(
      `isolation of task ${name} is ${JSON.stringify(isolation)}.`,
      `Give one of ${isolations.join(", ")}.`,
    );
  }
  if (isolation !== "inline" && module === undefined) {
    throw refused(
      `Task ${name} can't run in a ${isolation} of its own: it doesn't say where it lives.`,
      "Export it from a module and add module: import.meta.url; a closure can't be isolated.",
    );
  }
  if (module !== undefined && !isFile(String(module))) {
    throw refused(
      `module of task ${name} is ${JSON.stringify(String(module))}.`,
      "Give import.meta.url, another file: URL, or an absolute path.",
    );
  }
  if (exported !== undefined && (typeof exported !== "string" || exported === "")) {
    throw refused(
      `export of task ${name} is ${JSON.stringify(exported)}.`,
      "Give the name under which it is exported.",
    );
  }
  if (memoryLimit === undefined) return;
  if (isolation === "inline") {
    throw refused(
      `Task ${name} runs inline, where memoryLimit can't be kept.`,
      'Add isolation: "process" or "thread".',
    );
  }
  if (bytes(memoryLimit, `memoryLimit of task ${name}`) < leastMemory) {
    throw refused(`memoryLimit of task ${name} is ${memoryLimit}.`, "Give at least 16mb: Node itself needs some.");
  }
}

/** Whether it is a file: URL or an absolute path, be it of POSIX or of Windows. */
function isFile(module: string): boolean {
  return /^(file:\/\/|\/|[a-z]:[\\/]|\\\\)/i.test(module);
}

function refused(message: string, hint: string): QueuackError {
  return new QueuackError("QUEUACK_INVALID_TASK", { message, hint });
}

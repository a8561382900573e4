import { relative } from "node:path";
import { type Command, Option } from "commander";
import type { GlobalFlags } from "../connection.ts";
import { version } from "../version.ts";
import type { WrittenProject } from "../write-project.ts";

interface InitFlags {
  readonly typescript?: boolean;
  readonly javascript?: boolean;
  readonly force?: boolean;
}

const guide = `
The project has a task, a program that enqueues, a worker and a test. What else is in the folder stays.

Examples:
  $ queuack init my-app
  $ queuack init . --javascript`;

/** Adds `init`. */
export function addInitCommand(program: Command): void {
  program
    .command("init")
    .summary("write a small project that works")
    .description("Write a small project that works, in TypeScript or JavaScript.")
    .argument("[folder]", "where to; made when it is not there", ".")
    .option("--typescript", "in TypeScript (the default)")
    .addOption(new Option("--javascript", "in JavaScript").conflicts("typescript"))
    .option("--force", "overwrite files that are there already")
    .addHelpText("after", guide)
    .action(async (folder: string, flags: InitFlags, command: Command) => {
      const { writeProject } = await import("../write-project.ts");
      const { Output } = await import("../output.ts");
      const format = command.optsWithGlobals<GlobalFlags>().output ?? "table";
      const output = new Output({ format, out: process.stdout, err: process.stderr, environment: process.env });
      const language = flags.javascript ? "javascript" : "typescript";
      const project = await writeProject({ folder, language, version: version(), force: flags.force ?? false });
      const next = commandsFor(project);
      await output.result({ ...project, next }, () => toldText(project, next));
    });
}

/** What to type next. */
function commandsFor({ folder }: WrittenProject): string[] {
  const path = relative(process.cwd(), folder);
  if (path === "") return ["npm install", "npm start"];
  return [`cd ${/^[\w./\\@+-]+$/.test(path) ? path : JSON.stringify(path)} && npm install`, "npm start"];
}

function toldText({ name, language, files }: WrittenProject, next: readonly string[]): string {
  return [
    `Wrote ${name}, a project in ${language === "typescript" ? "TypeScript" : "JavaScript"}:`,
    ...files.map((path) => `  ${path}`),
    "",
    "Next:",
    ...next.map((line) => `  ${line}`),
  ].join("\n");
}

// Running other programs: every script of this folder starts its children through here.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root, an absolute path. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** The file behind a dependency's command, so that Node can run it on every system without a shell. */
export function bin(dependency, command = dependency) {
  const folder = join(root, "node_modules", dependency);
  const declared = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).bin;
  return join(folder, typeof declared === "string" ? declared : declared[command]);
}

/**
 * Runs Node with `args` in the root and answers `{ code, output, stdout }`: the exit code (128 + n after signal n), and
 * with `capture` all that was printed, and the part on stdout. Without it the child has this process's terminal, with
 * `aside` all but its stdout: what it prints goes to stderr. Signals are passed on to the child.
 */
export function node(args, options) {
  return run(process.execPath, args, options);
}

/** Runs npm like `node()`. */
export function npm(args, options) {
  // Under `npm test` npm says where it lives; npm.cmd on Windows can only be started by a shell.
  const cli = process.env.npm_execpath;
  if (cli?.endsWith("npm-cli.js")) return run(process.execPath, [cli, ...args], options);
  return run("npm", args, { ...options, shell: process.platform === "win32" });
}

function run(command, args, { capture = false, aside = false, env = {}, shell = false } = {}) {
  return new Promise((resolve) => {
    const stdio = capture ? ["ignore", "pipe", "pipe"] : aside ? ["inherit", 2, "inherit"] : "inherit";
    const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, shell, stdio });
    let output = "";
    let stdout = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        output += text;
        if (stream === child.stdout) stdout += text;
      });
    }

    // A terminal sends Ctrl+C to the child as well: a second one would read as "stop at once".
    const forward = (signal) => {
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    };
    const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
    // npm passes a signal to the shell between it and us; that dies of it and tells nobody, but our parent changes.
    const { ppid } = process;
    const orphaned = () => process.ppid !== ppid && child.kill("SIGTERM");
    const watch = process.env.npm_lifecycle_event ? setInterval(orphaned, 500) : undefined;
    const end = (code) => {
      clearInterval(watch);
      for (const signal of signals) process.off(signal, forward);
      resolve({ code, output, stdout });
    };
    for (const signal of signals) process.on(signal, forward);
    child.on("error", (error) => {
      output += `${error.message}\n`;
      if (!capture) console.error(error.message);
      end(127);
    });
    child.on("close", (code, signal) => end(code ?? 128 + constants.signals[signal]));
  });
}

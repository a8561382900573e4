// Starts what a bench runs in processes of their own.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { atEnd, childEnvironment } from "./endings.mjs";

/** The repository's root, an absolute path. */
export const root = fileURLToPath(new URL("..", import.meta.url));

/** Has a child killed at the end of the run, and its death awaited. @param {import("node:child_process").ChildProcess} child */
function killAtEnd(child) {
  return atEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
}

/** The file of a program in children/. @param {string} name */
export const childFile = (name) => fileURLToPath(new URL(`children/${name}.mjs`, import.meta.url));

/**
 * Runs Node to its end; answers what it printed, and how long it took as seen from here.
 * @param {string[]} args
 * @returns {Promise<{ stdout: string, ms: number }>}
 * @throws when it fails
 */
export async function runNode(args) {
  const start = performance.now();
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: childEnvironment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  const kill = killAtEnd(child);
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    stdout += text;
  });
  let ms = 0;
  child.on("exit", () => {
    ms = performance.now() - start;
  });
  const [code, signal] = await once(child, "close");
  await kill();
  if (code !== 0) throw new Error(`node ${args[0]} ended with ${signal ?? `exit code ${code}`}`);
  return { stdout, ms };
}

/**
 * Runs a program of children/ to its end; answers the object that it printed.
 * @param {string} name
 * @param {object} plan
 * @param {string[]} [execArgv]
 */
export async function runChild(name, plan, execArgv = []) {
  const { stdout } = await runNode([...execArgv, childFile(name), JSON.stringify(plan)]);
  return JSON.parse(stdout);
}

/**
 * Starts a program of children/ that is talked to by messages.
 * @param {string} name
 * @param {object} plan
 */
export function startChild(name, plan) {
  const child = fork(childFile(name), [JSON.stringify(plan)], {
    env: childEnvironment(),
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const kill = killAtEnd(child);
  /** @type {any[]} */
  const heard = [];
  /** @type {((message: any) => void)[]} */
  const waiting = [];
  child.on("message", (message) => {
    const resolve = waiting.shift();
    if (resolve === undefined) heard.push(message);
    else resolve(message);
  });
  const ended = once(child, "exit").then(async ([code, signal]) => {
    await kill();
    if (code !== 0) throw new Error(`child ${name} ended with ${signal ?? `exit code ${code}`}`);
  });
  // Whoever waits for a message or the end hears of a failure; nobody else has to.
  ended.catch(() => undefined);
  const failed = ended.then(() => {
    throw new Error(`child ${name} ended before it had said all`);
  });
  failed.catch(() => undefined);
  return {
    /** @param {unknown} message */
    send: (message) => void child.send(/** @type {object} */ (message)),
    /** The next message. @returns {Promise<any>} */
    next: () =>
      heard.length > 0
        ? Promise.resolve(heard.shift())
        : Promise.race([new Promise((resolve) => waiting.push(resolve)), failed]),
    /** Resolves when it has ended well. */
    ended,
  };
}

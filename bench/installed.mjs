import { readFileSync } from "node:fs";

/** Where packages lie that the benches use: their own, and the workspace's. */
const folders = ["node_modules/", "../node_modules/"];

/** The version of a package that the benches can use, or undefined when it is not installed. @param {string} name */
export function installedVersion(name) {
  for (const folder of folders) {
    try {
      const manifest = readFileSync(new URL(`${folder}${name}/package.json`, import.meta.url), "utf8");
      return /** @type {string} */ (JSON.parse(manifest).version);
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ENOENT") throw error;
    }
  }
  return undefined;
}

/** Each with its version: "bullmq 1.2.3, ioredis 4.5.6". @param {readonly string[]} names */
export const versionsOf = (names) =>
  names.map((name) => `${name} ${installedVersion(name) ?? "(not installed)"}`).join(", ");

/** Why these packages can't be used; undefined when they can. @param {readonly string[]} names @returns {string | undefined} */
export function missingPackage(names) {
  const name = names.find((one) => installedVersion(one) === undefined);
  return name && `the package ${name} is not installed: npm ci in bench/`;
}

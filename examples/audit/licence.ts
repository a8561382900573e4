import { open } from "node:fs/promises";
import { join } from "node:path";

/** The words by which the usual licences are known, the more special before the more general. */
const texts: readonly (readonly [RegExp, string])[] = [
  [/Apache License,?\s+Version 2\.0/i, "Apache-2.0"],
  [/Mozilla Public License,?\s+(Version|v\.) 2\.0/i, "MPL-2.0"],
  [/GNU Affero General Public License/i, "AGPL"],
  [/GNU Lesser General Public License/i, "LGPL"],
  [/GNU General Public License/i, "GPL"],
  [/Permission is hereby granted, free of charge/i, "MIT"],
  [/Permission to use, copy, modify, and\/or distribute/i, "ISC"],
  [/Redistribution and use in source and binary forms[\s\S]*neither the name/i, "BSD-3-Clause"],
  [/Redistribution and use in source and binary forms/i, "BSD-2-Clause"],
  [/This is free and unencumbered software/i, "Unlicense"],
];

/**
 * A package's licence: what its package.json says in one of the three ways that were ever usual, or else what its
 * licence file reads like, marked as such.
 * @param files names of the files at the package's top
 */
export async function findLicence(folder: string, manifest: unknown, files: readonly string[]): Promise<string> {
  const said = declared(manifest);
  if (said !== "") return said.slice(0, 60);
  for (const name of files.filter((file) => /^(licen[cs]e|copying)/i.test(file))) {
    const text = await beginning(join(folder, name));
    const known = texts.find(([pattern]) => pattern.test(text));
    if (known) return `${known[1]} (by its text)`;
  }
  return "none found";
}

/** `"license": "MIT"`, `"license": { "type": "MIT" }` or `"licenses": [{ "type": "MIT" }, …]`; `""` for anything else. */
function declared(manifest: unknown): string {
  const { license, licenses } = (manifest ?? {}) as { license?: unknown; licenses?: unknown };
  if (license !== undefined) return named(license);
  return Array.isArray(licenses) ? licenses.map(named).filter(Boolean).join(" OR ") : named(licenses);
}

function named(licence: unknown): string {
  const name = typeof licence === "string" ? licence : (licence as { type?: unknown } | null | undefined)?.type;
  return typeof name === "string" ? name.replace(/\s+/g, " ").trim() : "";
}

/** Enough of a file to know a licence by. */
async function beginning(path: string): Promise<string> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4_096), 0, 4_096, 0);
    return buffer.toString("utf8", 0, bytesRead).replace(/\s+/g, " ");
  } finally {
    await file.close();
  }
}

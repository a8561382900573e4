import type { JobView } from "queuack";
import type { Output } from "../output.ts";
import { documentText } from "../output.ts";
import { jsonText } from "../plain-value.ts";
import { type Column, tableText } from "../table.ts";
import { jobColumns } from "./job-columns.ts";

/** The flags of a list that comes in pages. */
export interface PageFlags {
  readonly limit?: number;
  readonly cursor?: string;
  readonly all?: boolean;
}

type Pages = (page: {
  readonly limit: number;
  readonly cursor: string | undefined;
}) => Promise<{ readonly items: readonly JobView[]; readonly cursor: string | null }>;

const pageSize = 50;
const allPageSize = 500;

/** Prints a page of jobs, or with `--all` every page as it comes, so that a million jobs need no more memory than one page. */
export async function listJobs(
  output: Output,
  flags: PageFlags,
  pages: Pages,
  columns: readonly Column<JobView>[] = jobColumns(output.colours),
): Promise<void> {
  const layout: number[] = [];
  const table = (items: readonly JobView[]) =>
    tableText(items, columns, { width: output.width, title: output.colours.dim, layout });

  const first = await pages({ limit: flags.limit ?? (flags.all ? allPageSize : pageSize), cursor: flags.cursor });
  if (first.items.length === 0 && output.format === "table") output.remark("No jobs.");
  else if (!flags.all || first.cursor === null) await output.result(first, () => table(first.items));
  else {
    output.write(output.format === "table" ? "" : output.format === "json" ? '{\n  "items": [' : "items:\n");
    let before = "\n";
    for (let page = first; ; page = await pages({ limit: allPageSize, cursor: page.cursor ?? undefined })) {
      if (output.format === "table") output.write(`${table(page.items)}\n`);
      else if (output.format === "yaml") output.write(indented(await documentText(page.items, "yaml"), "  "));
      else
        for (const item of page.items) {
          output.write(before + indented(jsonText(item, 2) ?? "null", "    "));
          before = ",\n";
        }
      if (page.cursor === null) break;
    }
    if (output.format === "json") output.write('\n  ],\n  "cursor": null\n}\n');
    if (output.format === "yaml") output.write("cursor: null\n");
    return;
  }
  if (first.cursor !== null && output.format === "table") {
    output.remark(`There are more: --cursor ${first.cursor}, or --all.`);
  }
}

function indented(text: string, by: string): string {
  return text.replace(/^(?=.)/gm, by);
}

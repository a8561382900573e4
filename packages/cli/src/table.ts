import { printable } from "./output.ts";

/** A column of a table of `Row`s. */
export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number | null | undefined;
  readonly align?: "left" | "right";
  /** May be cut to fit the terminal; identifiers may not, for they are there to be copied. */
  readonly flexible?: boolean;
  readonly style?: (text: string, row: Row) => string;
}

/** A flexible column is cut no further. */
const leastWidth = 8;

/**
 * Rows as lines without borders, cut to `width` columns as far as the flexible columns allow.
 * @param layout column widths of an earlier page, so that all pages stand in line; filled in by the first
 */
export function tableText<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  options: { readonly width: number; readonly title: (text: string) => string; readonly layout?: number[] },
): string {
  const { layout = [] } = options;
  const cells = rows.map((row) => columns.map(({ value }) => printable(String(value(row) ?? "–"))));
  const lines: string[] = [];
  if (layout.length === 0) {
    const natural = columns.map(({ title }, i) => longest([title, ...cells.map((row) => row[i] ?? "")]));
    layout.push(...fitted(natural, columns, options.width));
    lines.push(columns.map(({ title, align }, i) => options.title(cell(title, layout[i] ?? 0, align))).join("  "));
  }
  rows.forEach((row, r) => {
    const shown = columns.map(({ align, style }, i) => {
      const text = cell(cells[r]?.[i] ?? "", layout[i] ?? 0, align);
      return style === undefined ? text : style(text, row);
    });
    lines.push(shown.join("  "));
  });
  return lines.map((line) => line.trimEnd()).join("\n");
}

/** Facts as lines of `name  value`. */
export function factsText(
  facts: readonly (readonly [name: string, value: string | number | null | undefined])[],
  title: (text: string) => string,
): string {
  const known = facts.filter(([, value]) => value !== null && value !== undefined && value !== "");
  const width = longest(known.map(([name]) => name));
  return known.map(([name, value]) => `${title(name.padEnd(width))}  ${printable(String(value))}`).join("\n");
}

/** Takes from the widest flexible column until all fit. */
function fitted(natural: readonly number[], columns: readonly Column<never>[], width: number): number[] {
  const widths = [...natural];
  let over = widths.reduce((sum, each) => sum + each, 0) + 2 * (widths.length - 1) - width;
  while (over > 0) {
    const flexible = widths.map((each, i) => (columns[i]?.flexible && each > leastWidth ? each : 0));
    const widest = Math.max(...flexible);
    if (widest === 0) break;
    widths[flexible.indexOf(widest)] = widest - 1;
    over--;
  }
  return widths;
}

function cell(text: string, width: number, align: "left" | "right" = "left"): string {
  const own = textWidth(text);
  const space = " ".repeat(Math.max(0, width - own));
  if (own <= width) return align === "right" ? space + text : text + space;
  let cut = "";
  let used = 1;
  for (const character of text) {
    used += textWidth(character);
    if (used > width) return `${cut}…${" ".repeat(width - 1 - textWidth(cut))}`;
    cut += character;
  }
  return cut;
}

function longest(texts: readonly string[]): number {
  // A loop, for a page may hold more cells than a call takes arguments.
  return texts.reduce((most, text) => Math.max(most, textWidth(text)), 0);
}

/** Columns that a terminal gives a text: two for East Asian wide characters and pictures, none for combining marks. */
function textWidth(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let width = 0;
  for (const character of text) {
    if (/\p{M}|\p{Cf}/u.test(character)) continue;
    width +=
      /\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/u.test(
        character,
      )
        ? 2
        : 1;
  }
  return width;
}

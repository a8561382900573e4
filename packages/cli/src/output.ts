import pc from "picocolors";
import type { Format } from "./configuration-shape.ts";
import { jsonText } from "./plain-value.ts";

/** Where a command prints to. */
export interface Sink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** One colour function for each meaning. */
export type Colours = Pick<ReturnType<typeof pc.createColors>, "bold" | "dim" | "green" | "yellow" | "red" | "cyan">;

/** Prints a command's result on stdout, in the format that was asked for, and remarks on stderr. */
export class Output {
  readonly format: Format;
  readonly colours: Colours;
  readonly #out: Sink;
  readonly #err: Sink;

  constructor(params: {
    readonly format: Format;
    readonly out: Sink;
    readonly err: Sink;
    readonly environment: Readonly<Record<string, string | undefined>>;
  }) {
    this.format = params.format;
    this.#out = params.out;
    this.#err = params.err;
    this.colours = pc.createColors(params.out.isTTY === true && !params.environment.NO_COLOR);
  }

  /** Columns of the terminal; without one there is no limit, so that what reads a pipe gets all of it. */
  get width(): number {
    return this.#out.isTTY ? (this.#out.columns ?? 80) : Number.POSITIVE_INFINITY;
  }

  /** Prints a result: as one document, or as `text` shows it to people. */
  async result(value: unknown, text: () => string | Promise<string>): Promise<void> {
    if (this.format === "table") {
      const shown = await text();
      if (shown !== "") this.#out.write(`${shown}\n`);
    } else this.#out.write(await documentText(value, this.format));
  }

  /** Writes to stdout as it is: for results that come piece by piece. */
  write(text: string): void {
    this.#out.write(text);
  }

  /** Tells something beside the result, on stderr. */
  remark(text: string): void {
    this.#err.write(`${text}\n`);
  }
}

/** A value as one JSON or YAML document. */
export async function documentText(value: unknown, format: "json" | "yaml"): Promise<string> {
  const json = jsonText(value, 2) ?? "null";
  if (format === "json") return `${json}\n`;
  const { stringify } = await import("yaml");
  // By way of JSON, so that both formats say the same: dates as texts, nothing for undefined.
  return stringify(JSON.parse(json), { lineWidth: 0 });
}

/** Text from a job as it may go to a terminal: control characters, which could move its cursor, become visible. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    const known = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
    return known ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { confirm } from "./confirmation.ts";
import { CliError, report, reportText } from "./errors.ts";
import { Output, type Sink } from "./output.ts";
import { type Column, factsText, tableText } from "./table.ts";

interface Row {
  readonly id: string;
  readonly task: string;
  readonly count: number | null;
}

const columns: Column<Row>[] = [
  { title: "ID", value: ({ id }) => id },
  { title: "TASK", value: ({ task }) => task, flexible: true },
  { title: "COUNT", value: ({ count }) => count, align: "right" },
];
const title = (text: string) => text;

test("a table without limit shows everything in line", () => {
  const rows = [
    { id: "1", task: "resize", count: 12 },
    { id: "22", task: "大きさ", count: null },
  ];
  expect(tableText(rows, columns, { width: Number.POSITIVE_INFINITY, title })).toBe(
    ["ID  TASK    COUNT", "1   resize     12", "22  大きさ      –"].join("\n"),
  );
});

test("a narrow terminal cuts flexible columns only", () => {
  const rows = [{ id: "0123456789", task: "a task with a long name", count: 1 }];
  const lines = tableText(rows, columns, { width: 30, title }).split("\n");
  expect(lines).toEqual(["ID          TASK         COUNT", "0123456789  a task wit…      1"]);
  expect(tableText(rows, columns, { width: 5, title })).toContain("0123456789  a task …");
});

test("later pages stand under the first, without another title", () => {
  const layout: number[] = [];
  const page = (id: string) => tableText([{ id, task: "resize", count: 1 }], columns, { width: 80, title, layout });
  expect([page("long-id"), page("x")].join("\n").split("\n")).toEqual([
    "ID       TASK    COUNT",
    "long-id  resize      1",
    "x        resize      1",
  ]);
});

test("control characters of a job never reach the terminal", () => {
  const shown = tableText([{ id: "1", task: "\u001b[2Jboo\n", count: 1 }], columns, { width: 80, title });
  expect(shown).toContain("\\u001b[2Jboo\\n");
  expect(
    factsText(
      [
        ["input", "\u0007"],
        ["none", null],
      ],
      title,
    ),
  ).toBe("input  \\u0007");
});

function sink(isTTY: boolean): Sink & { text: string } {
  return {
    text: "",
    isTTY,
    columns: 40,
    write(text: string) {
      this.text += text;
    },
  };
}

test("JSON and YAML hold the same one document", async () => {
  const value = { at: new Date(0), gone: undefined, text: "yes: no" };
  const print = async (format: "json" | "yaml") => {
    const out = sink(false);
    await new Output({ format, out, err: sink(false), environment: {} }).result(value, () => "table");
    return out.text;
  };
  expect(JSON.parse(await print("json"))).toEqual({ at: "1970-01-01T00:00:00.000Z", text: "yes: no" });
  expect(await print("yaml")).toBe('at: 1970-01-01T00:00:00.000Z\ntext: "yes: no"\n');
});

test("colours and widths are for terminals, and NO_COLOR is heeded", () => {
  const output = (isTTY: boolean, environment = {}) =>
    new Output({ format: "table", out: sink(isTTY), err: sink(true), environment });
  expect(output(true).colours.red("x")).not.toBe("x");
  expect(output(true).width).toBe(40);
  expect(output(false).colours.red("x")).toBe("x");
  expect(output(false).width).toBe(Number.POSITIVE_INFINITY);
  expect(output(true, { NO_COLOR: "1" }).colours.red("x")).toBe("x");
});

test("an error says what happened, why, and what to do", () => {
  const cause = new Error("disk full");
  const read = report(
    new CliError(1, "The store failed.", { hint: "Make room.", code: "QUEUACK_STORE_FAILED", cause }),
  );
  expect(reportText(read, "text")).toBe(
    "error: The store failed. (QUEUACK_STORE_FAILED)\ncause: disk full\n hint: Make room.",
  );
  expect(JSON.parse(reportText(read, "json"))).toMatchObject({ error: { code: "QUEUACK_STORE_FAILED", exitCode: 1 } });
  expect(report("what").message).toBe("what");
});

function terminal(answer: string, isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY }) as unknown as NodeJS.ReadStream;
  const output = new PassThrough() as unknown as NodeJS.WriteStream;
  input.push(answer);
  return { input, output };
}

test("a terminal is asked, anything else must say --yes", async () => {
  await expect(confirm("cancel 2 jobs", terminal("y\n", true))).resolves.toBeUndefined();
  await expect(confirm("cancel 2 jobs", terminal("\n", true))).rejects.toThrow("Nothing was changed");
  await expect(confirm("cancel 2 jobs", terminal("y\n", false))).rejects.toMatchObject({
    message: "This would cancel 2 jobs.",
    exitCode: 2,
  });
});

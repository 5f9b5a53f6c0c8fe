/**
 * Shows rows of values as a table.
 */
import { display, inNotebook, printLine } from "./display";
import { escapeHtml } from "./html";

/** One row: the value of each column. */
export type TableRow = Readonly<Record<string, string | number>>;

export interface TableOptions {
  /** Columns and their order; those of the rows, as they first appear, unless said. */
  columns?: readonly string[];
  caption?: string;
  /** Significant digits of numbers that are not whole, 4 unless said. */
  digits?: number;
}

/**
 * Shows a table under the cell; numbers are aligned at the right. Outside the notebook: one line.
 *
 * @throws RangeError for no rows
 */
export function showTable(rows: readonly TableRow[], options: TableOptions = {}): void {
  if (rows.length === 0) throw new RangeError("showTable(): rows is empty; nothing to show.");
  const { columns = [...new Set(rows.flatMap((row) => Object.keys(row)))], caption } = options;
  if (!inNotebook())
    return printLine(`[Table${caption ? `: ${caption}` : ""}: ${rows.length} rows]`);
  const format = (value: string | number | undefined): string => cell(value, options.digits ?? 4);
  const table: Table = {
    columns,
    rows: rows.map((row) => columns.map((column) => format(row[column]))),
    numeric: columns.map((column) => rows.every((row) => typeof row[column] !== "string")),
    ...(caption === undefined ? {} : { caption }),
  };
  display({
    "text/html": asHtml(table),
    "text/markdown": asMarkdown(table),
    "text/plain": asText(table),
  });
}

interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly numeric: readonly boolean[];
  readonly caption?: string;
}

function cell(value: string | number | undefined, digits: number): string {
  if (value === undefined) return "";
  if (typeof value === "string") return value;
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return String(Number(value.toPrecision(digits)));
}

function asHtml({ columns, rows, numeric, caption }: Table): string {
  const align = (at: number): string => `style="text-align:${numeric[at] ? "right" : "left"}"`;
  const line = (cells: readonly string[], tag: "td" | "th"): string =>
    `<tr>${cells.map((text, at) => `<${tag} ${align(at)}>${escapeHtml(text)}</${tag}>`).join("")}</tr>`;
  const head = caption === undefined ? "" : `<caption>${escapeHtml(caption)}</caption>`;
  const body = rows.map((row) => line(row, "td")).join("");
  return `<table>${head}<thead>${line(columns, "th")}</thead><tbody>${body}</tbody></table>`;
}

function asMarkdown({ columns, rows, numeric, caption }: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((text) => text.replace(/\|/g, "\\|")).join(" | ")} |`;
  const rule = `| ${numeric.map((right) => (right ? "---:" : ":---")).join(" | ")} |`;
  const head = caption === undefined ? [] : [`**${caption}**`, ""];
  return [...head, line(columns), rule, ...rows.map(line)].join("\n");
}

function asText({ columns, rows, numeric, caption }: Table): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((text, at) =>
        numeric[at] ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [...(caption === undefined ? [] : [caption]), ...all.map(line)].join("\n");
}

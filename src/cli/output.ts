import Table from "cli-table3";

/** Writes lines to standard output. */
export function printLines(...lines: readonly string[]): void {
  process.stdout.write(`${lines.join("\n")}\n`);
}

/** Writes one value as JSON to standard output, as every command does under `--json`. */
export function printJson(value: unknown): void {
  printLines(JSON.stringify(value, null, 2));
}

/** A cell of {@link formatTable}; numbers are set flush right, undefined is left empty. */
export type Cell = string | number | undefined;

/** A table for people: one line a row, columns lined up, a rule under the heads. */
export function formatTable(heads: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const numeric = heads.map((_, k) => rows.length > 0 && rows.every((row) => typeof row[k] === "number" || row[k] === undefined));
  const blank = [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "right",
  ];
  const table = new Table({
    head: [...heads],
    colAligns: numeric.map((isNumeric) => (isNumeric ? "right" : "left")),
    chars: {
      ...Object.fromEntries(blank.map((part) => [part, ""])),
      middle: "  ",
      mid: "─",
      "mid-mid": "──",
      "left-mid": "",
      "right-mid": "",
    },
    style: { head: [], border: [], compact: true, "padding-left": 0, "padding-right": 0 },
  });
  table.push(...rows.map((row) => row.map((cell) => cell ?? "")));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
    .join("\n");
}

/** A number with as many digits as people read: 1234567 → `1 234 567`, 12.345 → `12.3`, 0.012345 → `0.0123`. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 4;
  const [whole = "", fraction] = value.toFixed(digits).split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, " ");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

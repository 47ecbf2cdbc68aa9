/**
 * Coloured text of a known width: a line is a list of spans, so that it can be cut to the terminal before it is coloured.
 *
 * @module
 */
import pc from "picocolors";

type Colours = ReturnType<typeof pc.createColors>;
export type Style = "bold" | "dim" | "blue" | "red" | "green" | "cyan" | "yellow";
/** Text and how it is coloured; undefined = plain. */
export type Span = readonly [text: string, style?: Style | undefined];
export type Line = readonly Span[];

export function widthOf(line: Line): number {
  return line.reduce((sum, [text]) => sum + text.length, 0);
}

function paint(line: Line, columns: number, colours: Colours): string {
  let left = columns;
  let out = "";
  for (const [text, style] of line) {
    // Names come from environments: none may move the cursor, break a line or talk to the terminal.
    const cut = text.slice(0, left).replace(/\p{Cc}/gu, "�");
    left -= cut.length;
    if (cut) out += style ? colours[style](cut) : cut;
  }
  return out;
}

/** The lines as one string, each cut to `columns` characters, with escape codes only if `color`. */
export function paintLines(lines: readonly Line[], columns: number, color: boolean): string {
  const colours = pc.createColors(color);
  return lines.map((line) => paint(line, columns, colours).replace(/ +$/, "")).join("\n");
}

/** Sets blocks of equal width side by side, as many as fit into `columns`, reading downwards first. */
export function inColumns(lines: readonly Line[], columns: number, gap = 3): Line[] {
  const width = Math.max(0, ...lines.map(widthOf));
  const across = Math.max(1, Math.floor((columns + gap) / (width + gap)));
  const rows = Math.ceil(lines.length / across);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: across }, (_, column) => lines[column * rows + row] ?? []).flatMap((line) => [
      ...line,
      [" ".repeat(width - widthOf(line) + gap)] as const,
    ]),
  );
}

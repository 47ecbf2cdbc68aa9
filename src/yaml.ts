/**
 * YAML (and so JSON) that people write: read with its lines, so that a mistake in a value is reported where it stands.
 *
 * @module
 */
import { type Document, isMap, isSeq, LineCounter, type Node, parseDocument } from "yaml";
import { BatonError } from "./errors.js";

export type YamlPath = readonly (string | number)[];

export interface YamlText {
  /** What the text says; null when it says nothing. */
  readonly value: unknown;
  /** `my.yaml:12`, the line where the value at `path` begins (keys: where the key stands); undefined when it is not in the text. */
  origin(path: YamlPath): string | undefined;
  /** The line where the text of the value at `path` begins, counted from 1: the line after `|` for a block of text. */
  firstLine(path: YamlPath): number | undefined;
}

/** Reads text; `name` is the file as people should see it. Throws a BatonError that names the line. */
export function readYaml(text: string, name: string, hint: string): YamlText {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) {
    const { line, col } = lines.linePos(error.pos[0]);
    throw new BatonError("invalid-file", `${name}:${line}:${col}: not valid YAML: ${error.message}`, { hint });
  }
  return {
    value: document.toJS() as unknown,
    origin(path) {
      const found = locate(document, path);
      return found?.at === undefined ? undefined : `${name}:${lines.linePos(found.at).line}`;
    },
    firstLine(path) {
      const node = locate(document, path)?.node;
      if (!node?.range) return undefined;
      const isBlock = "type" in node && (node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED");
      return lines.linePos(node.range[0]).line + (isBlock ? 1 : 0);
    },
  };
}

/** The deepest key or item of `path` that stands in the document, when its parents are there; undefined when it is not. */
function locate(document: Document, path: YamlPath): { at: number | undefined; node: Node | null } | undefined {
  let node = document.contents as Node | null;
  let at: number | undefined;
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => (item.key as { value?: unknown } | null)?.value === key);
      if (!pair) return undefined;
      at = (pair.key as Node).range?.[0];
      node = pair.value as Node | null;
    } else if (isSeq(node)) {
      if (typeof key !== "number" || node.items[key] === undefined) return undefined;
      node = node.items[key] as Node;
      at = node.range?.[0];
    } else break;
  }
  return { at, node };
}

/**
 * How every benchmark reports: a table for people, or one JSON object of the same schema for all.
 *
 * @module
 */
import { availableParallelism, cpus, loadavg } from "node:os";
import { formatNumber, formatTable, printJson, printLines } from "./output.js";

/** Where the figures were measured. */
export interface Machine {
  /** The processor's model. */
  readonly cpu: string;
  /** Processors that this process may use. */
  readonly cores: number;
  /** Node's version. */
  readonly node: string;
  readonly platform: string;
  /** How many processes wanted to run in the minute before the benchmark: near 0 on a quiet machine; 0 on Windows, which does not tell. */
  readonly load: number;
}

/** Taken when the program starts, before it adds to the load itself. */
const loadBefore = loadavg()[0]!;

/** One figure. The fields of the peer are there together or not at all; so are those of the target. */
export interface BenchRow {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  /** What ours is compared with, measured on the same machine. */
  readonly peer?: string;
  readonly peerValue?: number;
  /** value / peerValue */
  readonly ratio?: number;
  /** The ratio that is wanted: at least this for rates, at most this for times. */
  readonly target?: number;
  readonly pass?: boolean;
}

/** A measured figure before it is compared. */
export interface Measurement {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly peer?: {
    readonly name: string;
    readonly value: number;
    /** The wanted ratio of ours to theirs, if one is wanted, and which side of it is good. */
    readonly target?: number;
    readonly better: "higher" | "lower";
  };
}

export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    load: loadBefore,
  };
}

/** Compares a figure with its peer's, if it has one. */
export function benchRow({ name, unit, value, peer }: Measurement): BenchRow {
  if (!peer) return { name, unit, value };
  const ratio = value / peer.value;
  if (peer.target === undefined) return { name, unit, value, peer: peer.name, peerValue: peer.value, ratio };
  const pass = peer.better === "higher" ? ratio >= peer.target : ratio <= peer.target;
  return { name, unit, value, peer: peer.name, peerValue: peer.value, ratio, target: peer.target, pass };
}

/** Prints the figures, as a table or as `{"machine":{…},"rows":[…]}`. */
export function printBench(rows: readonly BenchRow[], json: boolean): void {
  const machine = thisMachine();
  if (json) {
    printJson({ machine, rows });
    return;
  }
  const compared = rows.some((row) => row.peer !== undefined);
  const heads = ["what", "value", "unit", ...(compared ? ["peer", "its value", "ratio", "target", ""] : [])];
  const shown = (value: number | undefined) => (value === undefined ? "" : formatNumber(value));
  const cells = rows.map((row) => [
    row.name,
    formatNumber(row.value),
    row.unit,
    ...(compared
      ? [
          row.peer,
          shown(row.peerValue),
          shown(row.ratio),
          shown(row.target),
          row.pass === undefined ? "" : row.pass ? "pass" : "FAIL",
        ]
      : []),
  ]);
  printLines(formatTable(heads, cells), "", `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${machine.platform}`);
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

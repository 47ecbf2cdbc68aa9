import { readdirSync } from "node:fs";
import { distance } from "fastest-levenshtein";
import { BatonError } from "./errors.js";

/** The candidate nearest to `name`, or undefined when nothing is near enough to be a slip of the keyboard. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(name.length / 3)) + 1;
  for (const candidate of candidates) {
    const d = distance(name.toLowerCase(), candidate.toLowerCase());
    if (d < bestDistance) [best, bestDistance] = [candidate, d];
  }
  return best;
}

/** The error for a name that is not among `candidates`: says what was asked for, the nearest valid name and the whole list. */
export function unknownName(kind: string, name: string, candidates: readonly string[]): BatonError {
  const near = nearestName(name, candidates);
  const list = candidates.length > 0 ? `there are: ${candidates.join(", ")}` : "there are none";
  return new BatonError("unknown-name", `unknown ${kind} "${name}"`, { hint: near ? `did you mean "${near}"? (${list})` : list });
}

/** Names of the YAML files in a folder, without their ending. */
export function yamlNames(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length))
    .sort();
}

import { type Frame, groundKinds, type TimeStep, timeStepFields } from "../environment.js";
import type { Inspector } from "./player.js";
import type { SingleEnvironment } from "./single.js";

/** Checks that look at single time steps, with the sentence that holds when they pass. */
export const stepChecks = {
  types: "Arrays and scalars keep the types and lengths that the contract gives them.",
  buffers: "Results are written into the given arrays, which are never replaced by others.",
  finite: "Every number is finite.",
  flags: "`alive` and `actionMask` hold only 0 and 1.",
  choice: "Every agent always has at least one action to choose from.",
  dead: "A dead agent has exactly one action, its no-op.",
  targets: "Action targets are entities (0 … N−1), or −1 for none.",
  "target-mask": "Actions whose target is missing or dead are masked.",
  beginning: "A reset begins a live episode: no reward yet, not ended, not won.",
  ending: "Every episode ends by its limit.",
  "end-kind": "An episode ends either terminated or truncated, never both.",
  won: "An episode is won only in its last time step.",
  frame: "`frame()`, where there is one, draws at least every agent, in finite numbers.",
} as const;

export type StepCheck = keyof typeof stepChecks;

/** Tells of a broken check; only the first detail of each is kept. */
export type Report = (check: StepCheck, detail: string) => void;

/** An inspector that looks at every time step of `env` and reports what breaks the contract. */
export function contractInspector(env: SingleEnvironment, report: Report): Inspector {
  const { spec } = env;
  return (out, given, step) => {
    const at = `at step ${step}`;
    restoreArrays(out, given, at, report);
    inspectScalars(out, at, report);
    inspectNumbers(out, at, report);
    inspectAgents(out, env, at, report);
    inspectTargets(out, env, at, report);
    inspectEpisode(out, spec.episodeLimit, step, report);
    const frame = env.frame?.();
    if (frame) inspectFrame(frame, spec.agents, at, report);
  };
}

/** Puts replaced arrays back, so that one mistake does not look like many. */
function restoreArrays(out: TimeStep, given: TimeStep, at: string, report: Report): void {
  for (const field of timeStepFields) {
    const array: unknown = out[field];
    const right = given[field];
    if (array === right) continue;
    report("buffers", `${at}, out.${field} is another array than the one given`);
    if (!(array instanceof right.constructor) || (array as typeof right).length !== right.length) {
      const found = ArrayBuffer.isView(array) ? `${array.constructor.name} of ${(array as typeof right).length}` : typeof array;
      report("types", `${at}, out.${field} is a ${found}, but must be a ${right.constructor.name} of ${right.length}`);
    }
    Object.assign(out, { [field]: right });
  }
}

function inspectScalars(out: TimeStep, at: string, report: Report): void {
  const wrong = (field: string, value: unknown, type: string) =>
    report("types", `${at}, out.${field} is ${String(value)}, but must be a ${type}`);
  if (typeof out.reward !== "number") wrong("reward", out.reward, "number");
  if (typeof out.terminated !== "boolean") wrong("terminated", out.terminated, "boolean");
  if (typeof out.truncated !== "boolean") wrong("truncated", out.truncated, "boolean");
  for (const [key, value] of Object.entries(out.info)) {
    if (!["number", "boolean", "string", "undefined"].includes(typeof value))
      wrong(`info.${key}`, value, "number, boolean or text");
  }
}

function inspectNumbers(out: TimeStep, at: string, report: Report): void {
  for (const field of ["entities", "relations", "observations", "state"] as const) {
    const index = out[field].findIndex((value) => !Number.isFinite(value));
    if (index >= 0) report("finite", `${at}, out.${field}[${index}] is ${out[field][index]}`);
  }
  if (typeof out.reward === "number" && !Number.isFinite(out.reward)) report("finite", `${at}, out.reward is ${out.reward}`);
  for (const field of ["alive", "actionMask"] as const) {
    const index = out[field].findIndex((value) => value > 1);
    if (index >= 0) report("flags", `${at}, out.${field}[${index}] is ${out[field][index]}`);
  }
}

function inspectAgents(out: TimeStep, env: SingleEnvironment, at: string, report: Report): void {
  const { agents: n, actions: A } = env.spec;
  for (let i = 0; i < n; i++) {
    let legal = 0;
    for (let a = 0; a < A; a++) legal += out.actionMask[i * A + a] === 0 ? 0 : 1;
    if (legal === 0) report("choice", `${at}, agent ${i} has no action`);
    if (out.alive[i] === 0 && legal > 1) report("dead", `${at}, agent ${i} is dead but has ${legal} actions`);
  }
}

function inspectTargets(out: TimeStep, env: SingleEnvironment, at: string, report: Report): void {
  const { agents: n, actions: A, untargetedActions: U, entities: N } = env.spec;
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < A - U; k++) {
      const target = out.actionTargets[i * (A - U) + k]!;
      const where = `${at}, action ${U + k} of agent ${i}`;
      if (target < -1 || target >= N) report("targets", `${where} has target ${target}, but there are ${N} entities`);
      if (out.actionMask[i * A + U + k] === 0) continue;
      if (target === -1) report("target-mask", `${where} is allowed but has no target`);
      else if (out.alive[target] === 0) report("target-mask", `${where} is allowed but its target, entity ${target}, is dead`);
    }
  }
}

function inspectEpisode(out: TimeStep, limit: number, step: number, report: Report): void {
  const ended = out.terminated || out.truncated;
  if (step === 0) {
    if (out.reward !== 0) report("beginning", `after a reset, out.reward is ${out.reward}`);
    if (ended) report("beginning", `after a reset, the episode has already ${out.terminated ? "terminated" : "been truncated"}`);
    if (out.info.won) report("beginning", "after a reset, out.info.won is true");
    return;
  }
  if (out.terminated && out.truncated) report("end-kind", `at step ${step}, the episode is both terminated and truncated`);
  if (!ended && step >= limit) report("ending", `the episode goes on after step ${step}, its limit`);
  if (!ended && out.info.won) report("won", `at step ${step}, out.info.won is true but the episode goes on`);
}

function inspectFrame(frame: Frame, n: number, at: string, report: Report): void {
  const bad = (value: unknown) => typeof value !== "number" || !Number.isFinite(value);
  if (bad(frame.width) || bad(frame.height) || frame.width <= 0 || frame.height <= 0) {
    report("frame", `${at}, the frame is ${frame.width} by ${frame.height}`);
  }
  if (frame.units.length < n) report("frame", `${at}, the frame has ${frame.units.length} units for ${n} agents`);
  frame.units.forEach((unit, k) => {
    for (const field of ["x", "y", "radius", "team", "health", "healthMax", "shield", "shieldMax"] as const) {
      if (bad(unit[field])) report("frame", `${at}, ${field} of unit ${k} is ${String(unit[field])}`);
    }
    for (const field of ["energy", "energyMax", "sight"] as const) {
      if (unit[field] !== undefined && bad(unit[field])) report("frame", `${at}, ${field} of unit ${k} is ${unit[field]}`);
    }
  });
  const { ground, events = [] } = frame;
  if (ground?.some((row) => row.length !== ground[0]!.length || [...row].some((kind) => !(kind in groundKinds)))) {
    const kinds = Object.keys(groundKinds).join(" ");
    report("frame", `${at}, the ground is not drawn in equally long rows of the characters ${kinds}`);
  }
  events.forEach((event, k) => {
    const about = event.kind === "splash" ? [] : event.kind === "death" ? [event.unit] : [event.from, event.to];
    const numbers = event.kind === "splash" ? [event.at, event.x, event.y, event.radius] : [event.at];
    if (numbers.some(bad) || about.some((unit) => frame.units[unit] === undefined)) {
      report("frame", `${at}, event ${k} (${event.kind}) is about units or numbers that there are not`);
    }
  });
}

/** The agents that come with Baton. To add one: a folder beside these with the same file names, and a line here. */
import type { AgentFamily } from "../src/agent.js";
import { unknownName } from "../src/names.js";
import { ace } from "./ace/index.js";
import { iql } from "./iql/index.js";
import { student } from "./student/index.js";

/** A family whose settings type is hidden; they are validated by its own schema before `create` sees them. */
export type AnyAgentFamily = AgentFamily<never>;

export const agentFamilies: readonly AnyAgentFamily[] = [ace, iql, student] as unknown as readonly AnyAgentFamily[];

/** The family called `name`. Throws a BatonError that names the nearest when there is none. */
export function agentFamily(name: string): AnyAgentFamily {
  const family = agentFamilies.find((candidate) => candidate.name === name);
  if (!family) {
    throw unknownName(
      "agent",
      name,
      agentFamilies.map((candidate) => candidate.name),
    );
  }
  return family;
}

/**
 * PettingZoo's Parallel environments with numbered actions. Others: `--env python:pettingzoo:package.module`.
 *
 * @module
 */
import { BatonError } from "../../src/errors.js";
import type { ServedFamily } from "../served.js";
import { type PettingzooOptions, pettingzooOptions } from "./options.js";

export type { PettingzooOptions };

/** Module of each member, what to install, and arguments without which its actions would not be numbered. */
const modules: Readonly<Record<string, { module: string; needs: string; arguments?: Readonly<Record<string, unknown>> }>> = {
  simple_spread_v3: { module: "mpe2.simple_spread_v3", needs: "mpe2" },
  simple_reference_v3: { module: "mpe2.simple_reference_v3", needs: "mpe2" },
  simple_speaker_listener_v4: { module: "mpe2.simple_speaker_listener_v4", needs: "mpe2" },
  cooperative_pong_v6: { module: "pettingzoo.butterfly.cooperative_pong_v6", needs: "pettingzoo[butterfly]" },
  pistonball_v6: {
    module: "pettingzoo.butterfly.pistonball_v6",
    needs: "pettingzoo[butterfly]",
    arguments: { continuous: false },
  },
  pursuit_v5: { module: "pettingzoo.sisl.pursuit_v5", needs: "pettingzoo[sisl]" },
};

export const pettingzoo: ServedFamily<PettingzooOptions> = {
  name: "pettingzoo",
  summary: "Cooperative Parallel environments of PettingZoo and MPE2.",
  members: Object.keys(modules),
  options: pettingzooOptions,
  needs: (member) => `Python with ${entryOf(member).needs}`,
  host(member, { arguments: given, ...options }) {
    const entry = entryOf(member);
    return { spec: `pettingzoo:${entry.module}`, options: { ...options, ...entry.arguments, ...given } };
  },
};

function entryOf(member: string) {
  const entry = modules[member];
  if (!entry) throw new BatonError("unknown-name", `PettingZoo has no environment "${member}" here`);
  return entry;
}

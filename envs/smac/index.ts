/**
 * StarCraft II micromanagement with the game itself (SMAC, SMACv2), and SMAClite, which plays SMAC's maps in pure Python.
 *
 * @module
 */
import type { ServedFamily } from "../served.js";
import { type SmacliteOptions, type SmacOptions, smacliteOptions, smacOptions } from "./options.js";

export type { SmacliteOptions, SmacOptions };

/** Maps that SMAC and SMAClite both play. */
const sharedMaps = [
  ...["3m", "8m", "25m", "5m_vs_6m", "8m_vs_9m", "10m_vs_11m", "27m_vs_30m", "MMM", "MMM2", "2s3z", "3s5z", "3s5z_vs_3s6z"],
  ...["3s_vs_3z", "3s_vs_4z", "3s_vs_5z", "1c3s5z", "2m_vs_1z", "corridor", "2s_vs_1sc", "so_many_baneling", "bane_vs_bane"],
  "2c_vs_64zg",
] as const;

/** SMACv2's maps, whose teams are drawn anew in each episode. */
const drawnMaps = ["10gen_terran", "10gen_protoss", "10gen_zerg"] as const;

export const smac: ServedFamily<SmacOptions> = {
  name: "smac",
  summary: "StarCraft II micromanagement with the game itself, through SMAC and SMACv2.",
  members: [...sharedMaps, "6h_vs_8z", ...drawnMaps],
  options: smacOptions,
  needs: (map) => `Python with ${isDrawn(map) ? "smacv2" : "smac"}, and StarCraft II 4.10 with its maps`,
  host(map, { units, enemies, ...options }) {
    return { spec: `smac:${map}`, options: isDrawn(map) ? { units, enemies, ...options } : options };
  },
};

export const smaclite: ServedFamily<SmacliteOptions> = {
  name: "smaclite",
  summary: "SMAC's maps in pure Python (SMAClite), with SMAC's actions, observations and state.",
  members: sharedMaps,
  options: smacliteOptions,
  needs: () => "Python with smaclite",
  host: (map, options) => ({ spec: `smaclite:${map}`, options }),
};

function isDrawn(map: string): boolean {
  return (drawnMaps as readonly string[]).includes(map);
}

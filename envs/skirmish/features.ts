/**
 * SMAC's observation and state vectors, entry for entry.
 *
 * @module
 */
import { type Layout, untargetedActions } from "./layout.js";
import type { SkirmishOptions } from "./options.js";
import type { Surroundings } from "./surroundings.js";
import type { World } from "./world.js";

/** What a time step shows besides the world itself. */
export interface EpisodeView {
  /** [n] the agents' last actions; −1 before the first step. */
  readonly lastActions: Int32Array;
  /** Steps played as a fraction of the limit. */
  progress: number;
}

/**
 * Writes all observations, [n, O]. Per agent: 4 move bits, [8 pathing], [9 height]; per enemy: attackable, distance, dx, dy,
 * [health], [shield], [type bits]; per other agent: visible, distance, dx, dy, [health], [shield], [type bits], [last action];
 * own [health], [shield], [x, y], [type bits], [progress]. Units that are dead or not nearer than the range of sight are zeros, and so are the dead's own vectors.
 */
export function writeObservations(
  world: World,
  layout: Layout,
  options: SkirmishOptions,
  view: EpisodeView,
  surroundings: Surroundings,
  mask: Uint8Array,
  out: Float32Array,
): void {
  const { agents: n, enemies: m, actions: A, observationSize: O } = layout;
  out.fill(0);
  for (let i = 0; i < n; i++) {
    if (world.alive[i] === 0) continue;
    let at = i * O;
    for (let d = 0; d < 4; d++) out[at++] = mask[i * A + 2 + d];
    if (options.obs_pathing_grid) at = surroundings.writePathing(world, i, 8, out, at);
    if (options.obs_terrain_height) at = surroundings.writeHeight(world, i, out, at);
    for (let k = 0; k < m; k++) {
      const bit = mask[i * A + untargetedActions + k];
      at = writeSeen(world, layout, options, i, n + k, bit, layout.enemyShieldBits, out, at);
    }
    for (let j = 0; j < n; j++) {
      if (j === i) continue;
      const visible = at;
      at = writeSeen(world, layout, options, i, j, 1, layout.allyShieldBits, out, at);
      if (!options.obs_last_action) continue;
      if (out[visible] === 1 && view.lastActions[j] >= 0) out[at + view.lastActions[j]] = 1;
      at += A;
    }
    if (options.obs_all_health || options.obs_own_health) {
      out[at++] = world.health[i] / world.healthMax[i];
      if (layout.allyShieldBits > 0) out[at++] = world.shield[i] / world.shieldMax[i];
    }
    if (layout.ownPosition) {
      out[at++] = world.x[i] / world.terrain.width;
      out[at++] = world.y[i] / world.terrain.height;
    }
    if (layout.typeBits > 0) out[at + layout.typeBit[i]] = 1;
    at += layout.typeBits;
    if (options.obs_timestep_number) out[at] = view.progress;
  }
}

/** Writes what agent i sees of unit j at `out[at …]` and returns where it ends. */
function writeSeen(
  world: World,
  layout: Layout,
  options: SkirmishOptions,
  i: number,
  j: number,
  bit: number,
  shieldBits: number,
  out: Float32Array,
  at: number,
): number {
  const end = at + 4 + (options.obs_all_health ? 1 + shieldBits : 0) + layout.typeBits;
  const dx = world.x[j] - world.x[i];
  const dy = world.y[j] - world.y[i];
  const squared = dx * dx + dy * dy;
  const sightRange = layout.sight[i];
  if (world.alive[j] === 0 || squared >= sightRange * sightRange) return end;
  out[at] = bit;
  out[at + 1] = Math.sqrt(squared) / sightRange;
  out[at + 2] = dx / sightRange;
  out[at + 3] = dy / sightRange;
  if (options.obs_all_health) {
    out[at + 4] = world.health[j] / world.healthMax[j];
    if (shieldBits > 0) out[at + 5] = world.shield[j] / world.shieldMax[j];
  }
  if (layout.typeBits > 0) out[end - layout.typeBits + layout.typeBit[j]] = 1;
  return end;
}

/**
 * Writes the state, [G]. Per agent: health, cooldown (healers: energy), x and y from the centre, [shield], [type bits]; per enemy
 * the same without cooldown; the agents' last actions, one-hot [n, A]; [progress]. The dead are zeros.
 */
export function writeState(world: World, layout: Layout, options: SkirmishOptions, view: EpisodeView, out: Float32Array): void {
  const { agents: n, actions: A } = layout;
  const { width, height } = world.terrain;
  out.fill(0);
  let at = 0;
  for (let u = 0; u < world.count; u++) {
    const ally = u < n;
    const shieldBits = ally ? layout.allyShieldBits : layout.enemyShieldBits;
    const end = at + (ally ? 4 : 3) + shieldBits + layout.typeBits;
    if (world.alive[u] === 1) {
      out[at++] = world.health[u] / world.healthMax[u];
      if (ally) out[at++] = readiness(world, u) / world.types[u].cooldownScale;
      out[at++] = (world.x[u] - width / 2) / width;
      out[at++] = (world.y[u] - height / 2) / height;
      if (shieldBits > 0) out[at++] = world.shield[u] / world.shieldMax[u];
      if (layout.typeBits > 0) out[at + layout.typeBit[u]] = 1;
    }
    at = end;
  }
  if (options.state_last_action) {
    for (let i = 0; i < n; i++) if (view.lastActions[i] >= 0) out[at + i * A + view.lastActions[i]] = 1;
    at += n * A;
  }
  if (options.state_timestep_number) out[at] = view.progress;
}

/** Ticks until a fighter's weapon is ready; a healer's energy. */
export function readiness(world: World, u: number): number {
  return world.types[u].healing ? world.energy[u] : Math.max(0, world.cooldown[u]);
}

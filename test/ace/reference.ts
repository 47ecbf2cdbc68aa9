/**
 * ACE in float64 with plain loops, one sample at a time, straight from the text of the specification: slow and obvious, the measure
 * for agents/ace. It shares no code with it; only the parameters' names are the same.
 *
 * @module
 */
import { type ReferenceEncoder, referenceEncoder } from "./reference-encoders.js";
import {
  head,
  type Layer,
  layer,
  matrix,
  mlp2,
  type Named,
  type Row,
  type Rows,
  stacked,
  type TwoLayers,
  twoLayers,
} from "./reference-layers.js";

/** One time step of one sample, in nested lists. */
export type Sample = {
  entities: Rows; // [N][S]
  relations: Rows[]; // [N][N][R]
  alive: Row; // [N]
  actionMask: Rows; // [n][A]
  actionTargets: Rows; // [n][T]
  /** [n] entity that each agent holds, −1 = none; absent where nothing can be held. */
  held?: Row;
};

/** A stored transition of one sample; its order is that of deciding, or is to be found by value gap. */
export type Transition = {
  now: Sample;
  next: Sample;
  actions: Row;
  returns: number;
  discount: number;
  order: Row;
  /** In the loss, of prioritised replay. */
  weight: number;
};

export type ReferenceSettings = {
  target: "sequential" | "environment";
  auxiliaryWeight: number;
  auxiliaryBalance: boolean;
  auxiliaryGlobal?: boolean;
  /** Orders are found by value gap. */
  byGap?: boolean;
};

/** Everything that does not change while the agents decide. */
type EncodedSample = { s: Rows; active: Rows[]; passive: Rows[] };

export class ReferenceNetwork {
  readonly H: number;
  readonly U: number;
  readonly #encoder: ReferenceEncoder;
  readonly #action: TwoLayers | undefined;
  readonly #held: TwoLayers | undefined;
  readonly #decision: TwoLayers;
  readonly #value: TwoLayers;
  readonly #predict: { local: TwoLayers; global: TwoLayers } | undefined;
  readonly #table: Rows;

  constructor(p: Named, agents: number) {
    this.#table = matrix(p.table);
    this.U = this.#table.length;
    this.H = this.#table[0]!.length;
    this.#encoder = referenceEncoder(p.encoder, agents);
    const hidden = (): Layer => stacked([p.action.pair.w, p.action.target, p.action.actor], p.action.pair.b);
    this.#action = p.action && { hidden: hidden(), output: layer(p.action.output) };
    this.#held = p.held && twoLayers(p.held);
    this.#decision = twoLayers(p.decision);
    this.#value = twoLayers(p.value);
    this.#predict = p.predict && { local: twoLayers(p.predict.local), global: twoLayers(p.predict.global) };
  }

  /** Steps 1–4: s [N][H], α and π [N][N][H]. */
  encode(sample: Sample): EncodedSample {
    const { H } = this;
    const { s, pairs } = this.#encoder(sample);
    const e = s.map((si, i) => s.map((sj, j) => (this.#action ? mlp2(this.#action, [...pairs[i]![j]!, ...sj, ...si]) : [])));
    return { s, active: e.map((row) => row.map((v) => v.slice(0, H))), passive: e.map((row) => row.map((v) => v.slice(H))) };
  }

  /** Pooled z of a whole SE-state. */
  pool(x: Rows, alive: Row): Row {
    const { H } = this;
    const d = x.map((row, e) => mlp2(this.#decision, row).map((v) => v * alive[e]!));
    const mean = Array.from({ length: H }, (_, h) => d.reduce((sum, row) => sum + row[h]!, 0) / x.length);
    const max = Array.from({ length: H }, (_, h) => Math.max(...d.map((row) => row[H + h]!)));
    return [...mean, ...max];
  }

  V(x: Rows, alive: Row): number {
    return head(this.#value, this.pool(x, alive))[0]!;
  }

  /** The SE-state after `agent` takes `action`. */
  apply(x: Rows, encoded: EncodedSample, sample: Sample, agent: number, action: number): Rows {
    const after = x.map((row) => [...row]);
    const add = (e: number, change: Row) => {
      for (const [h, c] of change.entries()) after[e]![h]! += c;
    };
    if (action >= this.U) {
      const target = sample.actionTargets[agent]![action - this.U]!;
      add(agent, encoded.active[agent]![target]!);
      add(target, encoded.passive[agent]![target]!);
      return after;
    }
    add(agent, this.#table[action]!);
    const held = sample.held?.[agent] ?? -1;
    // ace-spec §3.2: π = the action's part of MLP2(H→H→U·H)(x_i), added to what is held
    if (this.#held && held >= 0) add(held, mlp2(this.#held, x[agent]!).slice(action * this.H, (action + 1) * this.H));
    return after;
  }

  /** Q of every action of `agent` in the SE-state x; unavailable −Infinity. */
  Q(x: Rows, encoded: EncodedSample, sample: Sample, agent: number): Row {
    return sample.actionMask[agent]!.map((available, action) =>
      available ? this.V(this.apply(x, encoded, sample, agent, action), sample.alive) : Number.NEGATIVE_INFINITY,
    );
  }

  /** Best minus mean of the available values. */
  static gap(q: Row): number {
    const available = q.filter(Number.isFinite);
    return Math.max(...available) - available.reduce((a, b) => a + b, 0) / available.length;
  }

  /**
   * Roll-out: actions by agent, and Q of every action when its agent decided. `order` is who decides when, or "gap"; `stored` are actions
   * to take instead of the greedy ones.
   */
  greedy(sample: Sample, order: Row | "gap", stored?: Row): { actions: Row; values: Rows; order: Row } {
    const encoded = this.encode(sample);
    let x = encoded.s;
    const n = sample.actionMask.length;
    const actions: Row = [];
    const values: Rows = [];
    const taken: Row = [];
    for (let p = 0; p < n; p++) {
      let agent = order === "gap" ? -1 : order[p]!;
      if (order === "gap") {
        let largest = Number.NEGATIVE_INFINITY;
        for (let i = 0; i < n; i++) {
          if (taken.includes(i)) continue;
          const gap = ReferenceNetwork.gap(this.Q(x, encoded, sample, i));
          if (gap > largest) [agent, largest] = [i, gap];
        }
      }
      const q = this.Q(x, encoded, sample, agent);
      values[agent] = q;
      actions[agent] = stored?.[agent] ?? q.indexOf(Math.max(...q));
      taken.push(agent);
      x = this.apply(x, encoded, sample, agent, actions[agent]!);
    }
    return { actions, values, order: taken };
  }

  /** Teacher-forced: SE-states after each position, their values, the last pooled vector. */
  follow(sample: Sample, actions: Row, order: Row): { states: Rows[]; values: Row; encoded: EncodedSample } {
    const encoded = this.encode(sample);
    let x = encoded.s;
    const states: Rows[] = [];
    for (const agent of order) {
      x = this.apply(x, encoded, sample, agent, actions[agent]!);
      states.push(x);
    }
    return { states, values: states.map((state) => this.V(state, sample.alive)), encoded };
  }

  heads(x: Rows, alive: Row): { local: Rows; global: Row } {
    const { local, global } = this.#predict!;
    return { local: x.map((row) => head(local, row)), global: head(global, this.pool(x, alive)) };
  }
}

/** y by position (ace-spec §2.1, §2.2). */
export function referenceTargets(online: ReferenceNetwork, target: ReferenceNetwork, t: Transition, s: ReferenceSettings): Row {
  const n = t.order.length;
  const { actions, order } = online.greedy(t.next, s.byGap ? "gap" : t.order);
  const environment = t.returns + t.discount * target.follow(t.next, actions, order).values[n - 1]!;
  if (s.target === "environment") return t.order.map(() => environment);
  const along = online.follow(t.now, t.actions, t.order);
  const seen = target.follow(t.now, t.actions, t.order);
  return t.order.map((_, p) => {
    if (p === n - 1) return environment;
    const next = t.order[p + 1]!;
    const q = online.Q(along.states[p]!, along.encoded, t.now, next);
    const reply = q.indexOf(Math.max(...q));
    return target.Q(seen.states[p]!, seen.encoded, t.now, next)[reply]!;
  });
}

/** Auxiliary labels and errors of one sample (ace-spec §2.4). */
function auxiliaryParts(online: ReferenceNetwork, t: Transition, columns: readonly number[]) {
  const { states } = online.follow(t.now, t.actions, t.order);
  const predicted = online.heads(states.at(-1)!, t.now.alive);
  const n = t.order.length;
  const change = t.now.entities.map((row, e) => columns.map((c) => t.next.entities[e]![c]! - row[c]!));
  const largest = columns.map((_, c) => Math.max(...change.map((row) => Math.abs(row[c]!))));
  const local = change.map((row) => row.map((v, c) => v / (largest[c]! + 1e-9)));
  const sum = (rows: Rows) => columns.map((_, c) => rows.reduce((total, row) => total + row[c]!, 0));
  const sums = [...sum(change.slice(n)), ...sum(change.slice(0, n))];
  const scale = Math.max(...sums.map(Math.abs)) + 1e-9;
  return {
    localError: local.map((row, e) => row.map((v, c) => (predicted.local[e]![c]! - v) ** 2)),
    changed: local.map((row) => row.map((v) => Math.abs(v) >= 1e-5)),
    globalError: sums.map((v, k) => (predicted.global[k]! - v / scale) ** 2),
  };
}

const mean = (x: Row): number => x.reduce((a, b) => a + b, 0) / x.length;

/** The whole loss of a batch for given targets y [B][n]. */
export function referenceLoss(
  online: ReferenceNetwork,
  batch: Transition[],
  y: Rows,
  columns: readonly number[],
  s: ReferenceSettings,
): number {
  const td = mean(
    batch.map((t, b) => t.weight * mean(online.follow(t.now, t.actions, t.order).values.map((q, p) => (y[b]![p]! - q) ** 2))),
  );
  if (s.auxiliaryWeight === 0 || columns.length === 0) return td;
  const parts = batch.map((t) => auxiliaryParts(online, t, columns));
  const global = s.auxiliaryGlobal === false ? 0 : mean(parts.flatMap((p) => p.globalError));
  if (!s.auxiliaryBalance) return td + s.auxiliaryWeight * (mean(parts.flatMap((p) => p.localError.flat())) + global);
  const perColumn = columns.map((_, c) => {
    const errors = { changed: [] as Row, unchanged: [] as Row };
    for (const p of parts)
      p.localError.forEach((row, e) => {
        errors[p.changed[e]![c] ? "changed" : "unchanged"].push(row[c]!);
      });
    const average = (x: Row) => (x.length > 0 ? mean(x) : 0);
    return (average(errors.changed) + average(errors.unchanged)) / 2;
  });
  return td + s.auxiliaryWeight * (mean(perColumn) + global);
}

/**
 * ACE in float64 with plain loops, one sample at a time, straight from the text of the specification: slow and obvious, the measure
 * for agents/ace. It shares no code with it; only the parameters' names are the same.
 *
 * @module
 */
import type { HostArray } from "../../src/tensor/tree.js";

type Row = number[];
type Rows = Row[];

/** A weight matrix [in][out] with its bias. */
type Layer = { w: Rows; b: Row };

// biome-ignore lint/suspicious/noExplicitAny: the parameter tree is read by name only
type HostTreeLike = any;

/** One time step of one sample, in nested lists. */
export type Sample = {
  entities: Rows; // [N][S]
  relations: Rows[]; // [N][N][R]
  alive: Row; // [N]
  actionMask: Rows; // [n][A]
  actionTargets: Rows; // [n][T]
};

/** A stored transition of one sample. */
export type Transition = { now: Sample; next: Sample; actions: Row; returns: number; discount: number; order: Row };

export type ReferenceSettings = { target: "sequential" | "environment"; auxiliaryWeight: number; auxiliaryBalance: boolean };

const matrix = (a: HostArray): Rows => {
  const [rows, columns] = a.shape as [number, number];
  return Array.from({ length: rows }, (_, i) => Array.from(a.data.subarray(i * columns, (i + 1) * columns)));
};

const layer = (p: { w: HostArray; b: HostArray }): Layer => ({ w: matrix(p.w), b: Array.from(p.b.data) });
/** One first layer out of the parts that agents/ace keeps apart: the rows stacked in the order of the concatenated input. */
const stacked = (parts: HostArray[], b: HostArray): Layer => ({ w: parts.flatMap(matrix), b: Array.from(b.data) });

export class ReferenceNetwork {
  readonly H: number;
  readonly U: number;
  private readonly layers: Record<string, Layer>;
  private readonly table: Rows;

  constructor(p: HostTreeLike) {
    this.table = matrix(p.table);
    this.U = this.table.length;
    this.H = this.table[0]!.length;
    this.layers = {
      state1: layer(p.encoder.state.hidden),
      state2: layer(p.encoder.state.output),
      relation1: stacked(
        [...(p.encoder.relation.relation ? [p.encoder.relation.relation] : []), p.encoder.relation.other.w],
        p.encoder.relation.other.b,
      ),
      relation2: layer(p.encoder.relation.output),
      aggregate: stacked(
        [p.encoder.aggregate.own.w, p.encoder.aggregate.mean, p.encoder.aggregate.max],
        p.encoder.aggregate.own.b,
      ),
      decision1: layer(p.decision.hidden),
      decision2: layer(p.decision.output),
      value1: layer(p.value.hidden),
      value2: layer(p.value.output),
    };
    if (p.action) {
      this.layers.action1 = stacked([p.action.pair.w, p.action.target, p.action.actor], p.action.pair.b);
      this.layers.action2 = layer(p.action.output);
    }
    if (p.predict) {
      for (const head of ["local", "global"]) {
        this.layers[`${head}1`] = layer(p.predict[head].hidden);
        this.layers[`${head}2`] = layer(p.predict[head].output);
      }
    }
  }

  private linear(name: string, x: Row): Row {
    const { w, b } = this.layers[name]!;
    if (w.length !== x.length) throw new Error(`${name} takes ${w.length} inputs, got ${x.length}`);
    return b.map((bias, o) => x.reduce((sum, xi, i) => sum + xi * w[i]![o]!, bias));
  }

  private static relu = (x: Row): Row => x.map((v) => Math.max(0, v));
  /** Linear, ReLU, Linear, ReLU. */
  private mlp2(name: string, x: Row): Row {
    const relu = ReferenceNetwork.relu;
    return relu(this.linear(`${name}2`, relu(this.linear(`${name}1`, x))));
  }

  /** Steps 1–4: s [N][H], α and π [N][N][H]. */
  encode(sample: Sample): { s: Rows; active: Rows[]; passive: Rows[] } {
    const { H } = this;
    const N = sample.entities.length;
    const s0 = sample.entities.map((row) => this.mlp2("state", row));
    const r = s0.map((_, i) => s0.map((s0j, j) => this.mlp2("relation", [...(sample.relations[i]?.[j] ?? []), ...s0j])));
    const s = s0.map((s0i, i) => {
      const p: Row = [];
      const g: Row = [];
      for (let h = 0; h < H; h++) {
        let sum = 0;
        let max = Number.NEGATIVE_INFINITY;
        for (let j = 0; j < N; j++) {
          sum += sample.alive[j]! * r[i]![j]![h]!;
          max = Math.max(max, sample.alive[j]! * r[i]![j]![H + h]!);
        }
        p.push(sum / N);
        g.push(max);
      }
      return ReferenceNetwork.relu(this.linear("aggregate", [...s0i, ...p, ...g]));
    });
    const active: Rows[] = [];
    const passive: Rows[] = [];
    for (let i = 0; i < N; i++) {
      active.push([]);
      passive.push([]);
      for (let j = 0; j < N && this.layers.action1; j++) {
        const e = this.mlp2("action", [...r[i]![j]!, ...s[j]!, ...s[i]!]);
        active[i]!.push(e.slice(0, H));
        passive[i]!.push(e.slice(H));
      }
    }
    return { s, active, passive };
  }

  /** Pooled z of a whole SE-state. */
  pool(x: Rows, alive: Row): Row {
    const { H } = this;
    const d = x.map((row, e) => this.mlp2("decision", row).map((v) => v * alive[e]!));
    const mean = Array.from({ length: H }, (_, h) => d.reduce((sum, row) => sum + row[h]!, 0) / x.length);
    const max = Array.from({ length: H }, (_, h) => Math.max(...d.map((row) => row[H + h]!)));
    return [...mean, ...max];
  }

  V(x: Rows, alive: Row): number {
    return this.linear("value2", ReferenceNetwork.relu(this.linear("value1", this.pool(x, alive))))[0]!;
  }

  /** The SE-state after `agent` takes `action`. */
  apply(x: Rows, encoded: { active: Rows[]; passive: Rows[] }, sample: Sample, agent: number, action: number): Rows {
    const after = x.map((row) => [...row]);
    const add = (e: number, change: Row) => {
      for (const [h, c] of change.entries()) after[e]![h]! += c;
    };
    if (action < this.U) add(agent, this.table[action]!);
    else {
      const target = sample.actionTargets[agent]![action - this.U]!;
      add(agent, encoded.active[agent]![target]!);
      add(target, encoded.passive[agent]![target]!);
    }
    return after;
  }

  /** Q of every action of `agent` in the SE-state x; unavailable −Infinity. */
  Q(x: Rows, encoded: { active: Rows[]; passive: Rows[] }, sample: Sample, agent: number): Row {
    return sample.actionMask[agent]!.map((available, action) =>
      available ? this.V(this.apply(x, encoded, sample, agent, action), sample.alive) : Number.NEGATIVE_INFINITY,
    );
  }

  /** Greedy roll-out: actions by agent, and Q of every action when its agent decided. */
  greedy(sample: Sample, order: Row): { actions: Row; values: Rows } {
    const encoded = this.encode(sample);
    let x = encoded.s;
    const actions: Row = [];
    const values: Rows = [];
    for (const agent of order) {
      const q = this.Q(x, encoded, sample, agent);
      values[agent] = q;
      actions[agent] = q.indexOf(Math.max(...q));
      x = this.apply(x, encoded, sample, agent, actions[agent]!);
    }
    return { actions, values };
  }

  /** Teacher-forced: SE-states after each position, their values, the last pooled vector. */
  follow(
    sample: Sample,
    actions: Row,
    order: Row,
  ): { states: Rows[]; values: Row; encoded: ReturnType<ReferenceNetwork["encode"]> } {
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
    const relu = ReferenceNetwork.relu;
    return {
      local: x.map((row) => this.linear("local2", relu(this.linear("local1", row)))),
      global: this.linear("global2", relu(this.linear("global1", this.pool(x, alive)))),
    };
  }
}

/** y by position (ace-spec §2.1, §2.2). */
export function referenceTargets(online: ReferenceNetwork, target: ReferenceNetwork, t: Transition, s: ReferenceSettings): Row {
  const n = t.order.length;
  const { actions } = online.greedy(t.next, t.order);
  const environment = t.returns + t.discount * target.follow(t.next, actions, t.order).values[n - 1]!;
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
  const td = mean(batch.map((t, b) => mean(online.follow(t.now, t.actions, t.order).values.map((q, p) => (y[b]![p]! - q) ** 2))));
  if (s.auxiliaryWeight === 0 || columns.length === 0) return td;
  const parts = batch.map((t) => auxiliaryParts(online, t, columns));
  const global = mean(parts.flatMap((p) => p.globalError));
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

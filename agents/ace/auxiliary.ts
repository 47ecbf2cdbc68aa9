/** The prediction loss of ACE (ace-spec §2.4): how the team's decisions change each entity over the n-step window. */
import * as tf from "@tensorflow/tfjs";

type Tensor = tf.Tensor;

/** Changes smaller than this count as none. */
const CHANGED = 1e-5;

/** Labels: change of the predicted columns, per entity [B,N,P] and summed per side [B,2P] (others, then the team). */
export function auxiliaryLabels(
  now: Tensor,
  next: Tensor,
  columns: readonly number[],
  agents: number,
): { local: Tensor; global: Tensor } {
  const [B, N] = now.shape as [number, number];
  const P = columns.length;
  const pick = (x: Tensor) => tf.gather(x, tf.tensor1d([...columns], "int32"), 2);
  const change = tf.sub(pick(next), pick(now)); // [B,N,P]
  const side = (from: number, count: number) =>
    count > 0 ? tf.sum(tf.slice(change, [0, from, 0], [B, count, P]), 1) : tf.zeros([B, P]);
  const sums = tf.concat([side(agents, N - agents), side(0, agents)], 1); // [B,2P]
  // local: by the largest |change| of that feature among the entities; global: by its own largest |·|
  const local = tf.div(change, tf.add(tf.max(tf.abs(change), 1, true), 1e-9));
  const global = tf.div(sums, tf.add(tf.max(tf.abs(sums), 1, true), 1e-9));
  return { local, global };
}

/**
 * Squared error, per entity and, when `both`, of the sums per side too; `balance` gives changed and unchanged entries of each feature the
 * same weight.
 */
export function auxiliaryLoss(
  predicted: { local: Tensor; global: Tensor },
  labels: { local: Tensor; global: Tensor },
  { balance, both }: { balance: boolean; both: boolean },
): Tensor {
  const local = tf.square(tf.sub(predicted.local, labels.local)); // [B,N,P]
  const global = both ? tf.mean(tf.square(tf.sub(predicted.global, labels.global))) : tf.scalar(0);
  if (!balance) return tf.add(tf.mean(local), global);
  const changed = tf.cast(tf.greaterEqual(tf.abs(labels.local), CHANGED), "float32");
  const meanOver = (mask: Tensor) => tf.div(tf.sum(tf.mul(local, mask), [0, 1]), tf.add(tf.sum(mask, [0, 1]), 1e-9)); // [P]
  const balanced = tf.div(tf.add(meanOver(changed), meanOver(tf.sub(1, changed))), 2);
  return tf.add(tf.mean(balanced), global);
}

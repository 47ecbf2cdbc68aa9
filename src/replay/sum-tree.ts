/**
 * Non-negative weights whose sum and whose weighted choice take logarithmic time. Every inner node is the sum of its two children, computed
 * anew from them, so the tree depends on its leaves alone and not on the order in which they were set.
 */
export class SumTree {
  /** Leaves stand at `#leaves` … ; node k has the children 2k and 2k+1. */
  readonly #nodes: Float64Array;
  readonly #leaves: number;

  /** All weights 0. */
  constructor(readonly size: number) {
    this.#leaves = 2 ** Math.ceil(Math.log2(Math.max(1, size)));
    this.#nodes = new Float64Array(2 * this.#leaves);
  }

  get total(): number {
    return this.#nodes[1]!;
  }

  get(index: number): number {
    return this.#nodes[this.#leaves + index]!;
  }

  set(index: number, weight: number): void {
    let node = this.#leaves + index;
    this.#nodes[node] = weight;
    for (node >>= 1; node >= 1; node >>= 1) this.#nodes[node] = this.#nodes[2 * node]! + this.#nodes[2 * node + 1]!;
  }

  /** Sets every weight. */
  fill(weights: ArrayLike<number>): void {
    this.#nodes.fill(0);
    this.#nodes.set(weights, this.#leaves);
    for (let node = this.#leaves - 1; node >= 1; node--) {
      this.#nodes[node] = this.#nodes[2 * node]! + this.#nodes[2 * node + 1]!;
    }
  }

  /**
   * The index at which the running sum of the weights first exceeds `mass`, 0 ≤ mass < total; never one of weight 0. The total must
   * be positive.
   */
  find(mass: number): number {
    let node = 1;
    let left = mass;
    while (node < this.#leaves) {
      node *= 2;
      const weight = this.#nodes[node]!;
      // rounding may leave more mass than the right child has, even when that child is empty
      if (left >= weight && this.#nodes[node + 1]! > 0) {
        left -= weight;
        node += 1;
      }
    }
    return node - this.#leaves;
  }
}

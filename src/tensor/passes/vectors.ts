import type { Graph, GraphNode, Value } from "../graph.js";
import { largeSize, Substitution, sameShape, sizeOf } from "../graph.js";
import { isElementwise } from "./operators.js";

/** Fewer pieces than this are left alone. */
const fewest = 4;

const sized = (size: number): Value => ({ shape: [1], type: "int64", constant: BigInt64Array.of(BigInt(size)) });

/**
 * What is done to many arrays one by one and then laid end to end is done once to the arrays laid end to end: an optimiser's chain for
 * each parameter becomes one chain over one vector, and the norm of all gradients one sum.
 *
 * A Concat of flattened arrays that come from like element-wise operators becomes that operator of Concats, until the pieces of one
 * Split meet: they are the vector that was split. A Sum of whole sums of such arrays becomes the sum of their Concat.
 */
export function joinVectors(graph: Graph): Graph {
  const joiner = new Joiner();
  const substitution = new Substitution();
  for (const original of graph.nodes) {
    const node = substitution.apply(original);
    const value = joiner.rewrite(node);
    if (value) substitution.set(original.outputs[0]!, value);
    else joiner.append(node);
  }
  return { inputs: graph.inputs, nodes: joiner.nodes, outputs: graph.outputs.map((value) => substitution.get(value)) };
}

class Joiner {
  readonly nodes: GraphNode[] = [];
  readonly #producers = new Map<Value, GraphNode>();
  readonly #ids = new Map<Value, number>();
  /** Arrays that lie end to end already, by the ids of the arrays. */
  readonly #joined = new Map<string, Value>();

  append(node: GraphNode): void {
    this.nodes.push(node);
    for (const output of node.outputs) this.#producers.set(output, node);
  }

  /** What takes the place of the node's only output, or undefined where it stays as it is. */
  rewrite(node: GraphNode): Value | undefined {
    const { op, inputs, outputs } = node;
    if (inputs.length < fewest || outputs[0]!.type !== "float32") return undefined;
    if (op === "Concat" && outputs[0]!.shape.length === 1) {
      return this.#worthJoining(inputs) ? this.#join(inputs) : undefined;
    }
    return op === "Sum" && outputs[0]!.shape.length === 0 ? this.#sumJoined(inputs) : undefined;
  }

  /** The sum of whole sums, those of small arrays as one; undefined where that brings nothing. */
  #sumJoined(sums: readonly Value[]): Value | undefined {
    const arrays = sums.map((sum) => this.#summed(sum));
    if (arrays.some((array) => array === undefined)) return undefined;
    const small = (arrays as Value[]).filter(({ shape }) => sizeOf(shape) < largeSize);
    if (small.length < fewest || !this.#worthJoining(small)) return undefined;
    const axes: Value = { shape: [1], type: "int64", constant: BigInt64Array.of(0n) };
    const joined: Value = { shape: [], type: "float32" };
    const keepdims = { keepdims: { int: 0 } };
    this.append({ op: "ReduceSum", inputs: [this.#join(small), axes], outputs: [joined], attributes: keepdims });
    const large = sums.filter((_, i) => sizeOf(arrays[i]!.shape) >= largeSize);
    if (large.length === 0) return joined;
    const total: Value = { shape: [], type: "float32" };
    this.append({ op: "Sum", inputs: [...large, joined], outputs: [total], attributes: {} });
    return total;
  }

  /** The array of any shape that a vector is the flattening of. */
  #unflattened(value: Value): Value {
    const made = this.#producers.get(value);
    return made?.op === "Reshape" ? this.#unflattened(made.inputs[0]!) : value;
  }

  /** The array whose elements all add up to this scalar. */
  #summed(value: Value): Value | undefined {
    const made = this.#producers.get(value);
    if (made?.op === "ReduceSum" && made.outputs[0]!.shape.length === 0) return made.inputs[0]!;
    const source = this.#unflattened(value);
    return sizeOf(source.shape) === 1 ? source : undefined;
  }

  #worthJoining(given: readonly Value[]): boolean {
    const arrays = given.map((array) => this.#unflattened(array));
    return this.#whole(arrays) !== undefined || this.#alike(arrays) !== undefined;
  }

  /** One vector of all arrays, whatever their shapes. */
  #join(given: readonly Value[]): Value {
    const arrays = given.map((array) => this.#unflattened(array));
    const key = arrays.map((array) => this.#id(array)).join();
    const known = this.#joined.get(key);
    if (known) return known;
    const value = this.#whole(arrays) ?? this.#operator(arrays) ?? this.#concatenation(arrays);
    this.#joined.set(key, value);
    return value;
  }

  /** The vector whose pieces the arrays are, all of them in order. */
  #whole(arrays: readonly Value[]): Value | undefined {
    const split = this.#producers.get(arrays[0]!);
    if (split?.op !== "Split" || split.inputs[0]!.shape.length !== 1 || split.outputs.length !== arrays.length) return undefined;
    return arrays.every((array, i) => array === split.outputs[i]) ? split.inputs[0] : undefined;
  }

  /** The nodes that make the arrays, if they do the same to arrays of the results' shapes and to common scalars. */
  #alike(arrays: readonly Value[]): GraphNode[] | undefined {
    // What is made of scalars alone is one number, whatever it is laid beside.
    if (arrays.some(isScalar)) return undefined;
    const makers = arrays.map((array) => this.#producers.get(array));
    const first = makers[0];
    if (!first || !isElementwise(first.op)) return undefined;
    const attributes = JSON.stringify(first.attributes);
    const alike = makers.every(
      (made) =>
        made?.op === first.op &&
        made.inputs.length === first.inputs.length &&
        JSON.stringify(made.attributes) === attributes &&
        made.inputs.every(
          (input, k) =>
            input.type === first.inputs[k]!.type &&
            (isScalar(first.inputs[k]!) ? input === first.inputs[k] : sameShape(input.shape, made.outputs[0]!.shape)),
        ),
    );
    return alike ? (makers as GraphNode[]) : undefined;
  }

  #operator(arrays: readonly Value[]): Value | undefined {
    const makers = this.#alike(arrays);
    if (!makers) return undefined;
    const { op, attributes, inputs } = makers[0]!;
    const joined = inputs.map((input, k) => (isScalar(input) ? input : this.#join(makers.map((made) => made.inputs[k]!))));
    const output: Value = { shape: [totalSize(arrays)], type: arrays[0]!.type };
    this.append({ op, inputs: joined, outputs: [output], attributes });
    return output;
  }

  #concatenation(arrays: readonly Value[]): Value {
    const pieces = arrays.map((array) => {
      if (array.shape.length === 1) return array;
      const size = sizeOf(array.shape);
      if (array.constant) return { ...array, shape: [size] };
      const flat: Value = { shape: [size], type: array.type };
      this.append({ op: "Reshape", inputs: [array, sized(size)], outputs: [flat], attributes: {} });
      return flat;
    });
    const output: Value = { shape: [totalSize(arrays)], type: arrays[0]!.type };
    this.append({ op: "Concat", inputs: pieces, outputs: [output], attributes: { axis: { int: 0 } } });
    return output;
  }

  #id(value: Value): number {
    const id = this.#ids.get(value) ?? this.#ids.size;
    this.#ids.set(value, id);
    return id;
  }
}

/** Arrays of one element that has no axis of its own: they broadcast to vectors of any length. */
const isScalar = (value: Value): boolean => value.shape.length === 0;

const totalSize = (arrays: readonly Value[]): number => arrays.reduce((size, { shape }) => size + sizeOf(shape), 0);

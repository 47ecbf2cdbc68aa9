import protobuf from "protobufjs";
import type { Attribute, ElementType, Graph, Value } from "./graph.js";

/** Operator set and file format that the graphs are written in; ONNX Runtime 1.14 and newer read them. */
const opset = 18;
const irVersion = 8;

/** Codes of onnx.TensorProto.DataType. */
const elementCodes: Record<ElementType, number> = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9 };

/** Codes of onnx.AttributeProto.AttributeType. */
const attributeCodes = { float: 1, int: 2, text: 3, ints: 7 } as const;

/** The part of onnx.proto that a graph with static shapes needs (field numbers are ONNX's). */
const schema = `
syntax = "proto3";
message Model {
  int64 ir_version = 1; string producer_name = 2; string producer_version = 3; string doc_string = 6; Graph graph = 7;
  repeated OperatorSet opset_import = 8; repeated Property metadata_props = 14;
}
message Property { string key = 1; string value = 2; }
message OperatorSet { string domain = 1; int64 version = 2; }
message Graph {
  repeated Node node = 1; string name = 2; repeated Tensor initializer = 5;
  repeated ValueInfo input = 11; repeated ValueInfo output = 12;
}
message Node {
  repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
  repeated Attribute attribute = 5; string domain = 7;
}
message Attribute { string name = 1; float f = 2; int64 i = 3; bytes s = 4; repeated int64 ints = 8; int32 type = 20; }
message Tensor { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message ValueInfo { string name = 1; Type type = 2; }
message Type { TensorType tensor_type = 1; }
message TensorType { int32 elem_type = 1; Shape shape = 2; }
message Shape { repeated Dimension dim = 1; }
message Dimension { int64 dim_value = 1; }
`;

const modelType = protobuf.parse(schema, { keepCase: true }).root.lookupType("Model");

/** A model in ONNX's file format, and the names that its edges to the outside have there. */
export interface OnnxModel {
  readonly bytes: Uint8Array;
  /** One for each input of the graph; undefined where nothing reads it, since ONNX Runtime wants every declared input fed. */
  readonly inputNames: readonly (string | undefined)[];
  /** One for each output of the graph. */
  readonly outputNames: readonly string[];
}

/** What a model that is made for others says about itself. */
export interface OnnxDescription {
  /** Names of the inputs and outputs, one each, instead of numbers. */
  readonly inputNames?: readonly string[];
  readonly outputNames?: readonly string[];
  /** Baton's version. */
  readonly producerVersion?: string;
  /** Sentences for people. */
  readonly documentation?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

function encodeAttribute(name: string, attribute: Attribute): object {
  if ("int" in attribute) return { name, type: attributeCodes.int, i: attribute.int };
  if ("float" in attribute) return { name, type: attributeCodes.float, f: attribute.float };
  if ("ints" in attribute) return { name, type: attributeCodes.ints, ints: attribute.ints };
  return { name, type: attributeCodes.text, s: new TextEncoder().encode(attribute.text) };
}

function encodeInfo(name: string, value: Value): object {
  const dim = value.shape.map((size) => ({ dim_value: size }));
  return { name, type: { tensor_type: { elem_type: elementCodes[value.type], shape: { dim } } } };
}

/**
 * Writes `graph` as an ONNX model. An output that is itself an input or a constant, or that is asked for twice, gets an Identity of
 * its own, since every output of a model must be written by a node. Node names carry the operator type for profiles.
 */
export function encodeOnnx(graph: Graph, label: string, description: OnnxDescription = {}): OnnxModel {
  const names = new Map<Value, string>();
  const read = new Set([...graph.nodes.flatMap((entry) => entry.inputs), ...graph.outputs]);
  const inputNames = graph.inputs.map((value, i) => {
    const name = description.inputNames?.[i] ?? `input${i}`;
    names.set(value, name);
    return read.has(value) ? name : undefined;
  });
  const initializer: object[] = [];
  const nameOf = (value: Value): string => {
    let name = names.get(value);
    if (name !== undefined) return name;
    name = `${value.constant ? "c" : "v"}${names.size}`;
    names.set(value, name);
    if (value.constant) {
      const { buffer, byteOffset, byteLength } = value.constant;
      const raw = new Uint8Array(buffer, byteOffset, byteLength);
      initializer.push({ name, dims: value.shape, data_type: elementCodes[value.type], raw_data: raw });
    }
    return name;
  };
  const copies: { from: Value; to: string }[] = [];
  const outputNames = graph.outputs.map((value, i) => {
    const name = description.outputNames?.[i] ?? `output${i}`;
    if (value.constant || names.has(value)) copies.push({ from: value, to: name });
    else names.set(value, name);
    return name;
  });
  const node: object[] = graph.nodes.map((entry, i) => ({
    name: `${entry.op}_${i}`,
    op_type: entry.op,
    input: entry.inputs.map(nameOf),
    output: entry.outputs.map(nameOf),
    attribute: Object.entries(entry.attributes).map(([name, attribute]) => encodeAttribute(name, attribute)),
  }));
  for (const { from, to } of copies)
    node.push({ name: `Identity_${to}`, op_type: "Identity", input: [nameOf(from)], output: [to] });
  const message = {
    ir_version: irVersion,
    producer_name: "baton",
    producer_version: description.producerVersion ?? "",
    doc_string: description.documentation ?? "",
    metadata_props: Object.entries(description.metadata ?? {}).map(([key, value]) => ({ key, value })),
    opset_import: [{ domain: "", version: opset }],
    graph: {
      name: label,
      node,
      initializer,
      input: graph.inputs.flatMap((value, i) => (inputNames[i] === undefined ? [] : [encodeInfo(inputNames[i], value)])),
      output: graph.outputs.map((value, i) => encodeInfo(outputNames[i]!, value)),
    },
  };
  return { bytes: modelType.encode(modelType.fromObject(message)).finish(), inputNames, outputNames };
}

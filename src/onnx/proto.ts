// ONNX files as messages, read and written by @bufbuild/protobuf over the public schema: fields that the schema does not know are written as they were read.

import { checkBytes, shorten, wrongKind, wrongValue } from "../ground/check.js";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeType,
  clone,
  create,
  DataType,
  type FunctionProto,
  fromBinary,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  toBinary,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "./schema.js";

export type { TensorProto, ValueInfoProto };
export { type AttributeProto, AttributeType, DataType, type FunctionProto, type GraphProto, type ModelProto, type NodeProto };

/** The sizes of a shape: a number, the name of a size that inputs decide, or null for one without a name. */
export type Dims = readonly (number | string | null)[];

// Protocol buffers end there: protobuf.dev/programming-guides/encoding, "Size".
const MOST_BYTES = 2 ** 31 - 1;
/** The operator sets of the default domain that are read: Dropout-7 is the first whose node knows no `is_test`. */
const LEAST_OPSET = 7;
const MOST_OPSET = 26;

/** Reads a model from its bytes; its tensors are views of them. Throws TypeError or RangeError unless it is one that can be rewritten. */
export function readModel(value: unknown): ModelProto {
  checkBytes(value, "model");
  const bytes = value instanceof Uint8Array ? value : new Uint8Array(value as ArrayBuffer);
  if (bytes.length === 0) throw wrongValue("model", "bytes of an ONNX model", "none");
  if (bytes.length > MOST_BYTES) {
    throw wrongValue("model", "at most 2^31 - 1 bytes, larger weights as external data", `${bytes.length}`);
  }
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw wrongValue("model", "bytes of an ONNX model", `${bytes.length} bytes that are cut short or no protocol buffer`, cause);
  }
  if (model.graph === undefined || model.graph.output.length === 0) {
    throw wrongValue("model", "bytes of an ONNX model", `${bytes.length} bytes without a graph`);
  }
  const opset = opsetOf(model);
  if (!(opset >= LEAST_OPSET && opset <= MOST_OPSET)) {
    throw wrongValue("model", `operator set ${LEAST_OPSET} to ${MOST_OPSET} of the default domain`, opset === 0 ? "none" : `${opset}`);
  }
  return model;
}

/** Returns the bytes of a model. */
export function writeModel(model: ModelProto): Uint8Array<ArrayBuffer> {
  return toBinary(ModelProtoSchema, model) as Uint8Array<ArrayBuffer>;
}

/** Returns whether a domain is the default one. */
export const isDefault = (domain: string): boolean => domain === "" || domain === "ai.onnx";

/** Returns the version of the operators of a domain, 0 if there are none. */
export function opsetOf(model: ModelProto, domain = ""): number {
  const same = isDefault(domain) ? isDefault : (other: string) => other === domain;
  return Number(model.opsetImport.find((one) => same(one.domain))?.version ?? 0);
}

/** Sets the version of the operators of a domain. */
export function setOpset(model: ModelProto, domain: string, version: number): void {
  const found = model.opsetImport.find((one) => (isDefault(domain) ? isDefault(one.domain) : one.domain === domain));
  if (found === undefined) model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }));
  else found.version = BigInt(version);
}

/** Returns a node's operator in words: the domain only where it is not the default one. */
export function operatorOf({ domain, opType }: NodeProto): string {
  return isDefault(domain) ? opType : `${domain}.${opType}`;
}

/** Returns a node in words, for errors. */
export function describeNode(node: NodeProto): string {
  return `node ${quote(nameOf(node))} (${operatorOf(node)})`;
}

/** Returns a name for a node: its own, or its first output. */
export function nameOf({ name, output }: NodeProto): string {
  return name === "" ? (output.find((one) => one !== "") ?? "") : name;
}

/** Returns a name of a model for a message. */
export const quote = (name: string): string => JSON.stringify(shorten(name));

export const cloneNode = (node: NodeProto): NodeProto => clone(NodeProtoSchema, node);
export const cloneAttribute = (attribute: AttributeProto): AttributeProto => clone(AttributeProtoSchema, attribute);

/** Returns a copy of a model that shares everything but its lists of nodes, constants, inputs and outputs. */
export function withGraph(
  model: ModelProto,
  graph: Partial<Pick<GraphProto, "node" | "initializer" | "input" | "output" | "valueInfo">>,
): ModelProto {
  return { ...model, graph: { ...(model.graph as GraphProto), ...graph } };
}

/** Returns a new graph's name and nothing else. */
export const emptyGraph = (name: string): GraphProto => create(GraphProtoSchema, { name });

/** Returns a node of the default domain. */
export function makeNode(opType: string, input: string[], output: string[], attribute: AttributeProto[] = []): NodeProto {
  return create(NodeProtoSchema, { opType, input, output, name: `${output[0]}/${opType}`, attribute });
}

/** Returns an attribute of an integer. */
export function intAttribute(name: string, i: number): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(i) });
}

/** Returns an attribute of a tensor. */
export function tensorAttribute(name: string, t: TensorProto): AttributeProto {
  return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t });
}

/** Returns a constant of f32, f64 or bool, whose numbers are few. */
export function makeTensor(name: string, dataType: number, dims: readonly number[], values: readonly number[]): TensorProto {
  const list = dataType === DataType.FLOAT ? "floatData" : dataType === DataType.DOUBLE ? "doubleData" : "int32Data";
  return create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), [list]: [...values] });
}

/** Returns the declaration of a tensor; undefined dims are of any number and size. */
export function makeValueInfo(name: string, elemType: number, dims?: Dims): ValueInfoProto {
  const shape =
    dims &&
    create(TensorShapeProtoSchema, {
      dim: dims.map((size) =>
        create(TensorShapeProto_DimensionSchema, {
          value:
            size === null
              ? { case: undefined }
              : typeof size === "number"
                ? { case: "dimValue", value: BigInt(size) }
                : { case: "dimParam", value: size },
        }),
      ),
    });
  const tensor = create(TypeProto_TensorSchema, { elemType, ...(shape && { shape }) });
  return create(ValueInfoProtoSchema, { name, type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } }) });
}

/** Returns the bytes of a model with other element types of inputs; undefined ones stay. */
export function retype(
  bytes: Uint8Array<ArrayBuffer>,
  names: readonly string[],
  typeOf: (name: string) => number | undefined,
): Uint8Array<ArrayBuffer> {
  const model = readModel(bytes);
  const graph = model.graph as GraphProto;
  let same = true;
  graph.input = graph.input.map((info) => {
    const type = names.includes(info.name) ? typeOf(info.name) : undefined;
    if (type === undefined || type === elementTypeOf(info)) return info;
    same = false;
    return makeValueInfo(info.name, type, dimsOf(info));
  });
  return same ? bytes : writeModel(model);
}

/** Returns a declaration without a type, which the runtime infers. */
export const untyped = (name: string): ValueInfoProto => create(ValueInfoProtoSchema, { name });

/** Returns the element type of a declared tensor, 0 if the file does not say. */
export function elementTypeOf(info: ValueInfoProto | undefined): number {
  return info?.type?.value.case === "tensorType" ? info.type.value.value.elemType : 0;
}

/** Returns the sizes of a declared tensor, if the file says how many there are. */
export function dimsOf(info: ValueInfoProto | undefined): Dims | undefined {
  if (info?.type?.value.case !== "tensorType") return undefined;
  return info.type.value.value.shape?.dim.map(({ value }) => {
    if (value.case === "dimValue") return Number(value.value);
    return value.case === "dimParam" && value.value !== "" ? value.value : null;
  });
}

/** Returns an attribute of a node. */
export function attributeOf(node: NodeProto, name: string): AttributeProto | undefined {
  return node.attribute.find((one) => one.name === name);
}

/** Returns an attribute that is an integer. */
export function intOf(node: NodeProto, name: string, otherwise: number): number {
  const attribute = attributeOf(node, name);
  return attribute === undefined ? otherwise : Number(attribute.i);
}

const TYPE_NAMES = new Map(
  Object.entries(DataType).flatMap(([name, value]) => (typeof value === "number" ? [[value, name.toLowerCase()]] : [])) as [
    number,
    string,
  ][],
);

/** Returns the name of an element type as ONNX Runtime calls it: "float32", "float16", "int64". */
export function typeName(elemType: number): string {
  const name = TYPE_NAMES.get(elemType) ?? "undefined";
  return name === "float" ? "float32" : name === "double" ? "float64" : name;
}

/** Returns the element type of a name that ONNX Runtime gives to tensors. */
export function typeOfName(name: string): number {
  const key = name === "float32" ? "float" : name === "float64" ? "double" : name;
  for (const [value, one] of TYPE_NAMES) if (one === key) return value;
  throw wrongKind("type", "name of an element type", name);
}

// ONNX models for tests, made node by node over the public schema, without the code that is tested.

import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
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
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";

export { DataType };

type Value =
  | number
  | string
  | readonly number[]
  | TensorProto
  | GraphProto
  | { readonly float: number }
  | { readonly floats: readonly number[] };

/** An attribute: integers of numbers, unless `{ float }` or `{ floats }` says otherwise; text; tensors; graphs. */
export function attribute(name: string, value: Value): AttributeProto {
  const make = (fields: object) => create(AttributeProtoSchema, { name, ...fields });
  if (typeof value === "number") return make({ type: AttributeType.INT, i: BigInt(value) });
  if (typeof value === "string") return make({ type: AttributeType.STRING, s: new TextEncoder().encode(value) });
  if ("float" in value) return make({ type: AttributeType.FLOAT, f: value.float });
  if ("floats" in value) return make({ type: AttributeType.FLOATS, floats: [...value.floats] });
  if (Array.isArray(value)) return make({ type: AttributeType.INTS, ints: value.map(BigInt) });
  if ("dataType" in value) return make({ type: AttributeType.TENSOR, t: value });
  return make({ type: AttributeType.GRAPH, g: value });
}

export interface NodeOptions {
  readonly name?: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Value>>;
}

export function node(opType: string, input: string[], output: string[], { name, domain, attributes = {} }: NodeOptions = {}): NodeProto {
  const attribute_ = Object.entries(attributes).map(([key, value]) => attribute(key, value));
  return create(NodeProtoSchema, { opType, input, output, attribute: attribute_, ...(name && { name }), ...(domain && { domain }) });
}

/** A constant, its numbers little-endian as exporters write them. */
export function tensor(name: string, dims: readonly number[], values: ArrayLike<number>, dataType: DataType = DataType.FLOAT): TensorProto {
  const list = Array.from(values);
  const arrays: Partial<Record<DataType, () => { buffer: ArrayBufferLike }>> = {
    [DataType.FLOAT]: () => Float32Array.from(list),
    [DataType.DOUBLE]: () => Float64Array.from(list),
    [DataType.INT64]: () => BigInt64Array.from(list.map(BigInt)),
    [DataType.INT32]: () => Int32Array.from(list),
    [DataType.INT8]: () => Int8Array.from(list),
    [DataType.UINT8]: () => Uint8Array.from(list),
    [DataType.BOOL]: () => Uint8Array.from(list),
    // Given as bits.
    [DataType.FLOAT16]: () => Uint16Array.from(list),
    [DataType.BFLOAT16]: () => Uint16Array.from(list),
  };
  const { buffer } = (arrays[dataType] as () => { buffer: ArrayBuffer })();
  return create(TensorProtoSchema, { name, dataType, dims: dims.map(BigInt), rawData: new Uint8Array(buffer) });
}

/** The declaration of a tensor; a size that is text has a name, null has none. Without sizes it may have any number of them. */
export function value(name: string, dims?: readonly (number | string | null)[], elemType: DataType = DataType.FLOAT): ValueInfoProto {
  const dim = dims?.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        size === null
          ? { case: undefined }
          : typeof size === "number"
            ? { case: "dimValue", value: BigInt(size) }
            : { case: "dimParam", value: size },
    }),
  );
  const shape = dim === undefined ? {} : { shape: create(TensorShapeProtoSchema, { dim }) };
  const type = create(TypeProto_TensorSchema, { elemType, ...shape });
  return create(ValueInfoProtoSchema, { name, type: create(TypeProtoSchema, { value: { case: "tensorType", value: type } }) });
}

export interface GraphParts {
  readonly nodes: readonly NodeProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly constants?: readonly TensorProto[];
  readonly values?: readonly ValueInfoProto[];
}

export function graph({ nodes, inputs, outputs, constants = [], values = [] }: GraphParts): GraphProto {
  return create(GraphProtoSchema, {
    name: "graph",
    node: [...nodes],
    input: [...inputs],
    output: [...outputs],
    initializer: [...constants],
    valueInfo: [...values],
  });
}

export interface ModelParts extends GraphParts {
  readonly opset?: number;
  readonly irVersion?: number;
  readonly domains?: Readonly<Record<string, number>>;
  readonly functions?: readonly FunctionParts[];
}

export interface FunctionParts {
  readonly name: string;
  readonly domain: string;
  readonly inputs: string[];
  readonly outputs: string[];
  readonly nodes: readonly NodeProto[];
  readonly attributes?: string[];
  readonly opset: number;
  readonly domains?: Readonly<Record<string, number>>;
}

export function model({ opset = 13, irVersion = opset < 9 ? 4 : 8, domains = {}, functions = [], ...parts }: ModelParts): Uint8Array {
  const set = (domain: string, version: number) => create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: BigInt(irVersion),
      producerName: "tests",
      opsetImport: [set("", opset), ...Object.entries(domains).map(([domain, version]) => set(domain, version))],
      graph: graph(parts),
      functions: functions.map(({ name, domain, inputs, outputs, nodes, attributes = [], opset: own, domains: others = {} }) =>
        create(FunctionProtoSchema, {
          name,
          domain,
          input: inputs,
          output: outputs,
          node: [...nodes],
          attribute: attributes,
          opsetImport: [set("", own), ...Object.entries(others).map(([key, version]) => set(key, version))],
        }),
      ),
    }),
  );
}

/** Numbers that look random and are the same each time: a linear congruential generator (Lehmer 1951). */
export class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 2 + 1;
  }

  /** Returns numbers in (-scale, scale). */
  take(count: number, scale = 1): Float32Array<ArrayBuffer> {
    return Float32Array.from({ length: count }, () => {
      this.#state = (this.#state * 48271) % 0x7fffffff;
      return ((this.#state / 0x7fffffff) * 2 - 1) * scale;
    });
  }
}

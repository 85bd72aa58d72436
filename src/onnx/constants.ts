// Numbers that a file has: initializers, Constant nodes, and what Identity and Cast make of them.

import { attributeOf, DataType, type GraphProto, isDefault, type NodeProto, type TensorProto } from "./proto.js";

/** Look-up of the constants of a graph. */
export class Constants {
  readonly #tensors = new Map<string, TensorProto>();
  readonly #makers = new Map<string, NodeProto>();

  constructor({ initializer, node }: GraphProto) {
    for (const tensor of initializer) this.#tensors.set(tensor.name, tensor);
    for (const one of node) for (const name of one.output) this.#makers.set(name, one);
  }

  /** Returns the numbers of a constant, flat; undefined if the file does not have them. */
  numbers(name: string): number[] | undefined {
    const tensor = this.#tensors.get(name);
    if (tensor !== undefined) return numbersOf(tensor);
    const maker = this.#makers.get(name);
    if (maker === undefined || !isDefault(maker.domain)) return undefined;
    const [first = ""] = maker.input;
    if (maker.opType === "Identity" || maker.opType === "Cast") return this.numbers(first);
    if (maker.opType !== "Constant") return undefined;
    const value = attributeOf(maker, "value")?.t;
    if (value !== undefined) return numbersOf(value);
    const [float, int] = [attributeOf(maker, "value_float"), attributeOf(maker, "value_int")];
    if (float !== undefined) return [float.f];
    if (int !== undefined) return [Number(int.i)];
    const [floats, ints] = [attributeOf(maker, "value_floats"), attributeOf(maker, "value_ints")];
    return floats?.floats ?? ints?.ints.map(Number);
  }

  /** Returns the only number of a constant. */
  scalar(name: string): number | undefined {
    const numbers = this.numbers(name);
    return numbers?.length === 1 ? numbers[0] : undefined;
  }
}

const READERS: Readonly<Record<number, readonly [size: number, read: (view: DataView, at: number) => number]>> = {
  [DataType.FLOAT]: [4, (view, at) => view.getFloat32(at, true)],
  [DataType.DOUBLE]: [8, (view, at) => view.getFloat64(at, true)],
  [DataType.FLOAT16]: [2, (view, at) => halfOf(view.getUint16(at, true))],
  [DataType.BFLOAT16]: [2, (view, at) => bfloatOf(view.getUint16(at, true))],
  [DataType.BOOL]: [1, (view, at) => view.getUint8(at)],
  [DataType.UINT8]: [1, (view, at) => view.getUint8(at)],
  [DataType.INT8]: [1, (view, at) => view.getInt8(at)],
  [DataType.INT32]: [4, (view, at) => view.getInt32(at, true)],
  [DataType.INT64]: [8, (view, at) => Number(view.getBigInt64(at, true))],
};

/** Returns the numbers of a tensor, unless they lie in another file, or are of a type that no option has. */
function numbersOf(tensor: TensorProto): number[] | undefined {
  const { dataType, rawData, externalData, floatData, doubleData, int32Data, int64Data } = tensor;
  const reader = READERS[dataType];
  if (externalData.length > 0 || reader === undefined) return undefined;
  const [size, read] = reader;
  if (rawData.length > 0) {
    const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.length);
    return Array.from({ length: Math.floor(rawData.length / size) }, (_, k) => read(view, k * size));
  }
  if (dataType === DataType.FLOAT) return floatData;
  if (dataType === DataType.DOUBLE) return doubleData;
  if (dataType === DataType.INT64) return int64Data.map(Number);
  if (dataType === DataType.FLOAT16) return int32Data.map(halfOf);
  if (dataType === DataType.BFLOAT16) return int32Data.map(bfloatOf);
  return int32Data;
}

/** The number that the bits of an IEEE 754 binary16 stand for. */
function halfOf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function bfloatOf(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}

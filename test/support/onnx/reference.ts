// ONNX graphs in plain JavaScript, in double precision, one loop an operator: what the rewritten models in ONNX Runtime are held against.
// It computes the file as it is; at dropout nodes, and after tensors that tests name, it applies masks that it is given.

import { fromBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  TensorProto_DataType as DataType,
  type GraphProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
} from "onnx-buf";

/** A tensor: sizes, and numbers in row-major order. */
export interface Tensor {
  readonly dims: readonly number[];
  readonly data: readonly number[];
}

/** Returns factors for the elements that a dropout drops from: 0, or the scale of what is kept. */
export type Factors = (name: string, data: Tensor) => readonly number[];

const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
export const make = (dims: readonly number[], of: (k: number) => number): Tensor => ({
  dims,
  data: Array.from({ length: size(dims) }, (_, k) => of(k)),
});

/** Runs a model on inputs; `after` names tensors that are dropped from, by the names of their dropouts. */
export function evaluate(
  bytes: Uint8Array,
  inputs: Readonly<Record<string, Tensor>>,
  factors: Factors,
  after: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, Tensor> {
  const { graph, opsetImport } = fromBinary(ModelProtoSchema, bytes);
  const { node: nodes, initializer } = graph as GraphProto;
  const opset = Number(opsetImport.find(({ domain }) => domain === "")?.version);
  const values = new Map(Object.entries(inputs));
  for (const one of initializer) if (!values.has(one.name)) values.set(one.name, constantOf(one));
  for (const node of nodes) {
    const reads = node.input.map((name) => (name === "" ? undefined : values.get(name)));
    const results = node.opType === "Dropout" ? drop(node, reads[0] as Tensor, factors) : compute(node, reads as Tensor[], opset);
    node.output.forEach((name, k) => {
      const result = results[k];
      if (name === "" || result === undefined) return;
      const dropout = after.get(name);
      values.set(name, dropout === undefined ? result : (drop({ ...node, name: dropout }, result, factors)[0] as Tensor));
    });
  }
  return values;
}

function drop(node: NodeProto, data: Tensor, factors: Factors): Tensor[] {
  const given = factors(node.name || (node.output[0] as string), data);
  const kept = make(data.dims, (k) => (given[k] === 0 ? 0 : (data.data[k] as number) * (given[k] as number)));
  return [kept, make(data.dims, (k) => (given[k] === 0 ? 0 : 1))];
}

export function constantOf({ dims, dataType, rawData, floatData, int64Data, int32Data }: TensorProto): Tensor {
  const sizes = dims.map(Number);
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.length);
  const raw: Partial<Record<number, (k: number) => number>> = {
    [DataType.FLOAT]: (k) => view.getFloat32(4 * k, true),
    [DataType.DOUBLE]: (k) => view.getFloat64(8 * k, true),
    [DataType.INT64]: (k) => Number(view.getBigInt64(8 * k, true)),
    [DataType.INT32]: (k) => view.getInt32(4 * k, true),
    [DataType.INT8]: (k) => view.getInt8(k),
    [DataType.BOOL]: (k) => view.getUint8(k),
  };
  // Of other types are constants that only dropout reads.
  if (rawData.length > 0) return make(sizes, raw[dataType] ?? (() => Number.NaN));
  const list = floatData.length > 0 ? floatData : int64Data.length > 0 ? int64Data.map(Number) : int32Data;
  return { dims: sizes, data: [...list] };
}

const attributeOf = ({ attribute }: NodeProto, name: string): AttributeProto | undefined => attribute.find((one) => one.name === name);
const intOf = (node: NodeProto, name: string, otherwise: number) => Number(attributeOf(node, name)?.i ?? otherwise);
const intsOf = (node: NodeProto, name: string) => attributeOf(node, name)?.ints.map(Number);
const positive = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

/** The place of an element by its indices, where sizes of 1 stand for any. */
function placeIn(dims: readonly number[], indices: readonly number[]): number {
  const skip = indices.length - dims.length;
  return dims.reduce((place, length, k) => place * length + (length === 1 ? 0 : (indices[k + skip] as number)), 0);
}

function indicesOf(dims: readonly number[], place: number): number[] {
  const indices: number[] = [];
  for (let k = dims.length - 1, rest = place; k >= 0; --k) {
    indices.unshift(rest % (dims[k] as number));
    rest = Math.floor(rest / (dims[k] as number));
  }
  return indices;
}

function broadcast(...all: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...all.map(({ length }) => length));
  return Array.from({ length: rank }, (_, k) => Math.max(...all.map((dims) => dims[k - rank + dims.length] ?? 1)));
}

function pointwise(f: (...values: number[]) => number, ...tensors: readonly Tensor[]): Tensor {
  const dims = broadcast(...tensors.map((one) => one.dims));
  return make(dims, (k) => {
    const indices = indicesOf(dims, k);
    return f(...tensors.map((one) => one.data[placeIn(one.dims, indices)] as number));
  });
}

// Abramowitz and Stegun 7.1.5, the series of erf, which converges everywhere.
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let [sum, term] = [x, x];
  for (let n = 1; n < 200; ++n) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const POINTWISE: Readonly<Record<string, (...values: number[]) => number>> = {
  Add: (a = 0, b = 0) => a + b,
  Sub: (a = 0, b = 0) => a - b,
  Mul: (a = 0, b = 0) => a * b,
  Div: (a = 0, b = 0) => a / b,
  Pow: (a = 0, b = 0) => a ** b,
  Sqrt: (a = 0) => Math.sqrt(a),
  Exp: (a = 0) => Math.exp(a),
  Neg: (a = 0) => -a,
  Relu: (a = 0) => Math.max(0, a),
  Sigmoid: (a = 0) => 1 / (1 + Math.exp(-a)),
  Tanh: (a = 0) => Math.tanh(a),
  Erf: (a = 0) => erf(a),
  Identity: (a = 0) => a,
  Cast: (a = 0) => a,
  Where: (c = 0, a = 0, b = 0) => (c ? a : b),
};

function matmul(a: Tensor, b: Tensor): Tensor {
  const [m, k, n] = [a.dims.at(-2) as number, a.dims.at(-1) as number, b.dims.at(-1) as number];
  const lead = broadcast(a.dims.slice(0, -2), b.dims.slice(0, -2));
  const dims = [...lead, m, n];
  return make(dims, (place) => {
    const indices = indicesOf(dims, place);
    const [row, column] = [indices.at(-2) as number, indices.at(-1) as number];
    const from = placeIn(a.dims.slice(0, -2), indices.slice(0, -2)) * m * k + row * k;
    const to = placeIn(b.dims.slice(0, -2), indices.slice(0, -2)) * k * n + column;
    let sum = 0;
    for (let i = 0; i < k; ++i) sum += (a.data[from + i] as number) * (b.data[to + i * n] as number);
    return sum;
  });
}

function transpose(x: Tensor, perm: readonly number[]): Tensor {
  const dims = perm.map((axis) => x.dims[axis] as number);
  return make(dims, (k) => {
    const indices = indicesOf(dims, k);
    return x.data[
      placeIn(
        x.dims,
        x.dims.map((_, axis) => indices[perm.indexOf(axis)] as number),
      )
    ] as number;
  });
}

/** Applies a function to each row along the last axes, from `axis` on. */
function byRows(x: Tensor, axis: number, f: (row: readonly number[]) => readonly number[]): Tensor {
  const length = size(x.dims.slice(positive(axis, x.dims.length)));
  const data: number[] = [];
  for (let at = 0; at < x.data.length; at += length) data.push(...f(x.data.slice(at, at + length)));
  return { dims: x.dims, data };
}

function softmax(row: readonly number[]): number[] {
  const most = Math.max(...row);
  const powers = row.map((one) => Math.exp(one - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((one) => one / sum);
}

function conv(node: NodeProto, x: Tensor, w: Tensor, bias: Tensor | undefined): Tensor {
  const [n, , h, width] = x.dims as [number, number, number, number];
  const [filters, depth, kh, kw] = w.dims as [number, number, number, number];
  const [sy, sx] = (intsOf(node, "strides") ?? [1, 1]) as [number, number];
  const [top, left, bottom, right] = (intsOf(node, "pads") ?? [0, 0, 0, 0]) as [number, number, number, number];
  const dims = [n, filters, Math.floor((h + top + bottom - kh) / sy) + 1, Math.floor((width + left + right - kw) / sx) + 1];
  return make(dims, (place) => {
    const [image, filter, row, column] = indicesOf(dims, place) as [number, number, number, number];
    let sum = bias?.data[filter] ?? 0;
    for (let c = 0; c < depth; ++c) {
      for (let i = 0; i < kh; ++i) {
        for (let j = 0; j < kw; ++j) {
          const [y, z] = [row * sy + i - top, column * sx + j - left];
          if (y < 0 || z < 0 || y >= h || z >= width) continue;
          sum +=
            (x.data[((image * depth + c) * h + y) * width + z] as number) * (w.data[((filter * depth + c) * kh + i) * kw + j] as number);
        }
      }
    }
    return sum;
  });
}

function maxPool(node: NodeProto, x: Tensor): Tensor {
  const [n, c, h, width] = x.dims as [number, number, number, number];
  const [kh, kw] = intsOf(node, "kernel_shape") as [number, number];
  const [sy, sx] = (intsOf(node, "strides") ?? [1, 1]) as [number, number];
  const dims = [n, c, Math.floor((h - kh) / sy) + 1, Math.floor((width - kw) / sx) + 1];
  return make(dims, (place) => {
    const [image, channel, row, column] = indicesOf(dims, place) as [number, number, number, number];
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < kh; ++i) {
      for (let j = 0; j < kw; ++j) {
        most = Math.max(most, x.data[((image * c + channel) * h + row * sy + i) * width + column * sx + j] as number);
      }
    }
    return most;
  });
}

function reduceMean(node: NodeProto, x: Tensor, given: Tensor | undefined): Tensor {
  const axes = (intsOf(node, "axes") ?? given?.data ?? x.dims.map((_, k) => k)).map((axis) => positive(axis, x.dims.length));
  const kept = x.dims.map((length, k) => (axes.includes(k) ? 1 : length));
  const sums = new Array<number>(size(kept)).fill(0);
  x.data.forEach((one, k) => {
    const place = placeIn(kept, indicesOf(x.dims, k));
    sums[place] = (sums[place] as number) + one;
  });
  const count = x.data.length / sums.length;
  const dims = intOf(node, "keepdims", 1) === 1 ? kept : x.dims.filter((_, k) => !axes.includes(k));
  return { dims, data: sums.map((sum) => sum / count) };
}

function reshape(x: Tensor, wanted: readonly number[]): Tensor {
  const dims = wanted.map((one, k) => (one === 0 ? (x.dims[k] as number) : one));
  const known = size(dims.filter((one) => one !== -1));
  return { dims: dims.map((one) => (one === -1 ? x.data.length / known : one)), data: x.data };
}

function compute(node: NodeProto, inputs: readonly Tensor[], opset: number): Tensor[] {
  const [x, second, third] = inputs as [Tensor, Tensor, Tensor];
  const simple = POINTWISE[node.opType];
  if (simple !== undefined) return [pointwise(simple, ...inputs)];
  switch (node.opType) {
    case "Constant": {
      const [{ t, f, i, ints }] = node.attribute as [AttributeProto];
      if (t !== undefined) return [constantOf(t)];
      return [ints.length > 0 ? { dims: [ints.length], data: ints.map(Number) } : { dims: [], data: [f || Number(i)] }];
    }
    case "MatMul":
      return [matmul(x, second)];
    case "Gemm": {
      const a = intOf(node, "transA", 0) ? transpose(x, [1, 0]) : x;
      const b = intOf(node, "transB", 0) ? transpose(second, [1, 0]) : second;
      const product = matmul(a, b);
      return [third === undefined ? product : pointwise((p = 0, c = 0) => p + c, product, third)];
    }
    case "Conv":
      return [conv(node, x, second, third)];
    case "MaxPool":
      return [maxPool(node, x)];
    case "GlobalAveragePool":
      return [reduceMean({ ...node, attribute: [] }, x, { dims: [2], data: [2, 3] })];
    case "BatchNormalization": {
      const [, scale, shift, mean, variance] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const epsilon = attributeOf(node, "epsilon")?.f ?? 1e-5;
      return [
        make(x.dims, (k) => {
          const c = indicesOf(x.dims, k)[1] as number;
          const centred = (x.data[k] as number) - (mean.data[c] as number);
          return (centred / Math.sqrt((variance.data[c] as number) + epsilon)) * (scale.data[c] as number) + (shift.data[c] as number);
        }),
      ];
    }
    case "LayerNormalization": {
      const epsilon = attributeOf(node, "epsilon")?.f ?? 1e-5;
      const normalized = byRows(x, intOf(node, "axis", -1), (row) => {
        const mean = row.reduce((a, b) => a + b, 0) / row.length;
        const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
        return row.map((one, k) => ((one - mean) / Math.sqrt(variance + epsilon)) * (second.data[k] as number) + (third?.data[k] ?? 0));
      });
      return [normalized];
    }
    case "Softmax": {
      const axis = positive(intOf(node, "axis", opset >= 13 ? -1 : 1), x.dims.length);
      if (axis !== x.dims.length - 1) throw new Error("softmax along the last axis only");
      return [byRows(x, axis, softmax)];
    }
    case "Flatten": {
      const axis = positive(intOf(node, "axis", 1), x.dims.length);
      return [{ dims: [size(x.dims.slice(0, axis)), size(x.dims.slice(axis))], data: x.data }];
    }
    case "Reshape":
      return [reshape(x, second.data)];
    case "Transpose":
      return [transpose(x, intsOf(node, "perm") ?? x.dims.map((_, k) => x.dims.length - 1 - k))];
    case "ReduceMean":
      return [reduceMean(node, x, second)];
    case "Shape":
      return [{ dims: [x.dims.length], data: x.dims }];
    case "Gather": {
      const axis = positive(intOf(node, "axis", 0), x.dims.length);
      const dims = [...x.dims.slice(0, axis), ...second.dims, ...x.dims.slice(axis + 1)];
      return [
        make(dims, (k) => {
          const indices = indicesOf(dims, k);
          const index = second.data[placeIn(second.dims, indices.slice(axis, axis + second.dims.length))] as number;
          return x.data[placeIn(x.dims, [...indices.slice(0, axis), index, ...indices.slice(axis + second.dims.length)])] as number;
        }),
      ];
    }
    case "Unsqueeze": {
      const axes = intsOf(node, "axes") ?? second.data;
      const dims = [...x.dims];
      for (const axis of axes.toSorted((a, b) => a - b)) dims.splice(axis, 0, 1);
      return [{ dims, data: x.data }];
    }
    case "Concat": {
      const axis = positive(intOf(node, "axis", 0), x.dims.length);
      const dims = x.dims.map((length, k) => (k === axis ? inputs.reduce((sum, one) => sum + (one.dims[axis] as number), 0) : length));
      return [
        make(dims, (k) => {
          const indices = indicesOf(dims, k);
          for (const one of inputs) {
            const length = one.dims[axis] as number;
            if ((indices[axis] as number) < length) return one.data[placeIn(one.dims, indices)] as number;
            indices[axis] = (indices[axis] as number) - length;
          }
          throw new Error("beyond the last part");
        }),
      ];
    }
    default:
      throw new Error(`no reference for ${node.opType}`);
  }
}

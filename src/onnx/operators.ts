// The operators that keep examples apart: what they compute of one example depends on no other, along an axis that has the examples one after another.
// Shapes are not derived here: they were seen at two sizes of the batch, and the axis of examples is the one that grew with it.

import { attributeOf, intOf, isDefault, type NodeProto } from "./proto.js";

/** A node, and the axes of examples of what it reads and makes; -1 for tensors that do not grow with the batch. */
export interface Seen {
  readonly node: NodeProto;
  readonly opset: number;
  /** Axis of input k. */
  readonly axis: (k: number) => number;
  /** Sizes of input k. */
  readonly dims: (k: number) => readonly number[];
  readonly outAxis: number;
  readonly outDims: readonly number[];
  /** Numbers of input k, where the file has them. */
  readonly numbers: (k: number) => readonly number[] | undefined;
}

type Rule = (seen: Seen) => boolean;

const inputs = ({ node }: Seen) => node.input.map((_, k) => k);
const batched = (seen: Seen) => inputs(seen).filter((k) => seen.axis(k) >= 0);
const positive = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
const volume = (dims: readonly number[], from = 0, to = dims.length) => dims.slice(from, to).reduce((a, b) => a * b, 1);

/** Broadcast by NumPy's rules: axes count from the last. */
const elementwise: Rule = (seen) => {
  const { outAxis, outDims, axis, dims } = seen;
  return batched(seen).every((k) => axis(k) - dims(k).length === outAxis - outDims.length);
};

/** Examples along the first axis of data and result, which no input has more places of; weights do not grow with the batch. */
const first: Rule = (seen) => seen.outAxis === 0 && batched(seen).every((k) => seen.axis(k) === 0 && seen.dims(k)[0] === seen.outDims[0]);
const firstInput: Rule = (seen) => first(seen) && batched(seen).every((k) => k === 0);

const product =
  (a: number, b: number): Rule =>
  (seen) => {
    const { axis, dims } = seen;
    const [left, right] = [dims(a).length, dims(b).length];
    const others = batched(seen).every((k) => k === a || k === b);
    return others && axis(a) !== left - 1 && (axis(b) < 0 || axis(b) !== Math.max(0, right - 2));
  };

const gemm: Rule = (seen) => {
  const { node, axis, outAxis, outDims, dims } = seen;
  const [a, b] = [intOf(node, "transA", 0) ? 0 : 1, intOf(node, "transB", 0) ? 1 : 0];
  const added = axis(2) < 0 || axis(2) - dims(2).length === outAxis - outDims.length;
  return axis(0) !== a && (axis(1) < 0 || axis(1) !== b) && added;
};

/** Values of an axis, or of all from an axis on, change each other; the others do not. */
const along =
  (axisOf: (seen: Seen) => number | undefined, behind = false): Rule =>
  (seen) => {
    const rank = seen.dims(0).length;
    const given = axisOf(seen);
    if (given === undefined) return false;
    const mixed = positive(given, rank);
    return elementwise(seen) && (behind ? seen.axis(0) < mixed : seen.axis(0) !== mixed);
  };

const softmax: Rule = (seen) =>
  seen.opset >= 13 ? along(({ node }) => intOf(node, "axis", -1))(seen) : along(({ node }) => intOf(node, "axis", 1), true)(seen);

/** Axes of a reduction: an attribute, or from set 13 or 18 on an input; all by default. */
const reduce: Rule = (seen) => {
  const { node, axis, dims, numbers } = seen;
  const given = attributeOf(node, "axes")?.ints.map(Number) ?? (node.input[1] ? numbers(1) : undefined);
  if (given === undefined || given.length === 0) return false;
  const axes = given.map((one) => positive(one, dims(0).length));
  if (axes.includes(axis(0)) || batched(seen).some((k) => k !== 0)) return false;
  const before = axes.filter((one) => one < axis(0)).length;
  return seen.outAxis === (intOf(node, "keepdims", 1) ? axis(0) : axis(0) - before);
};

const argument: Rule = (seen) => {
  const mixed = positive(intOf(seen.node, "axis", 0), seen.dims(0).length);
  const removed = intOf(seen.node, "keepdims", 1) === 0 && mixed < seen.axis(0) ? 1 : 0;
  return seen.axis(0) !== mixed && seen.outAxis === seen.axis(0) - removed;
};

/** The order of elements stays, and as many of them are before those of an example. */
const reshape: Rule = (seen) => seen.axis(0) >= 0 && volume(seen.dims(0), 0, seen.axis(0)) === volume(seen.outDims, 0, seen.outAxis);

const transpose: Rule = (seen) => {
  const rank = seen.dims(0).length;
  const permutation = attributeOf(seen.node, "perm")?.ints.map(Number) ?? Array.from({ length: rank }, (_, k) => rank - 1 - k);
  return seen.outAxis === permutation.indexOf(seen.axis(0));
};

const concat: Rule = (seen) => {
  const joined = positive(intOf(seen.node, "axis", 1), seen.outDims.length);
  return seen.outAxis !== joined && inputs(seen).every((k) => seen.axis(k) === seen.outAxis);
};

const slice: Rule = (seen) => {
  const { node, axis, dims, numbers } = seen;
  const rank = dims(0).length;
  const starts = attributeOf(node, "starts")?.ints.map(Number) ?? numbers(1);
  const axes = attributeOf(node, "axes")?.ints.map(Number) ?? (node.input[3] ? numbers(3) : starts?.map((_, k) => k));
  if (axes === undefined || batched(seen).some((k) => k !== 0)) return false;
  return seen.outAxis === axis(0) && !axes.map((one) => positive(one, rank)).includes(axis(0));
};

const gather: Rule = (seen) => {
  const { node, axis, dims, outAxis } = seen;
  const taken = positive(intOf(node, "axis", 0), dims(0).length);
  const rank = dims(1).length;
  if (axis(0) < 0) return outAxis === taken + axis(1);
  if (axis(1) >= 0 || axis(0) === taken) return false;
  return outAxis === (axis(0) < taken ? axis(0) : axis(0) + rank - 1);
};

const firstInputAlone: Rule = (seen) => batched(seen).every((k) => k === 0);

/** Copies along the axis of examples, or along others. */
const expand: Rule = (seen) => seen.axis(0) < 0 || elementwise(seen);
const tile: Rule = (seen) =>
  seen.axis(0) < 0 || (seen.outAxis === seen.axis(0) && seen.outDims[seen.outAxis] === seen.dims(0)[seen.axis(0)]);
const sameAxis: Rule = (seen) => batched(seen).every((k) => seen.axis(k) === seen.outAxis);

/** Recurrent layers: [steps, examples, features], or with layout 1 examples first. */
const recurrent: Rule = (seen) => {
  const layout = intOf(seen.node, "layout", 0);
  const expected = (k: number) => (layout === 1 || k === 4 ? 0 : 1);
  return batched(seen).every((k) => k !== 1 && k !== 2 && k !== 3 && seen.axis(k) === expected(k));
};

const einsum: Rule = (seen) => {
  const equation = attributeOf(seen.node, "equation");
  const text = equation === undefined ? "" : new TextDecoder().decode(equation.s).replaceAll(" ", "");
  const [left = "", right] = text.split("->");
  if (right === undefined || text.includes(".")) return false;
  const terms = left.split(",");
  const letters = new Set(batched(seen).map((k) => terms[k]?.[seen.axis(k)]));
  const [letter] = letters;
  return letters.size === 1 && letter !== undefined && right.indexOf(letter) === seen.outAxis;
};

const normalizedBehind: Rule = along(({ node }) => intOf(node, "axis", -1), true);
const normalizedLast: Rule = (seen) => elementwise(seen) && batched(seen).every((k) => seen.axis(k) < seen.dims(k).length - 1);

function table(...groups: readonly (readonly [names: string, rule: Rule])[]): ReadonlyMap<string, Rule> {
  return new Map(groups.flatMap(([names, rule]) => names.split(" ").map((name) => [name, rule] as const)));
}

const DEFAULT: ReadonlyMap<string, Rule> = /* @__PURE__ */ table(
  [
    "Abs Acos Acosh Asin Asinh Atan Atanh BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Cos Cosh Elu Erf Exp Floor Gelu " +
      "HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish " +
      "Tan Tanh ThresholdedRelu Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow PRelu Sub Sum Where Xor",
    elementwise,
  ],
  ["MatMul MatMulInteger", product(0, 1)],
  ["QLinearMatMul", product(0, 3)],
  ["Gemm", gemm],
  [
    "Conv ConvInteger QLinearConv ConvTranspose AveragePool LpPool GlobalAveragePool GlobalMaxPool GlobalLpPool InstanceNormalization " +
      "GroupNormalization LRN Resize Upsample DepthToSpace SpaceToDepth",
    firstInput,
  ],
  // Indices of maxima count from the first example on.
  ["MaxPool", (seen) => firstInput(seen) && seen.node.output.length === 1],
  ["BatchNormalization", firstInput],
  ["Attention RotaryEmbedding", first],
  ["Softmax LogSoftmax Hardmax", softmax],
  ["LayerNormalization RMSNormalization SimplifiedLayerNormalization", normalizedBehind],
  [
    "MeanVarianceNormalization",
    (seen) => !(attributeOf(seen.node, "axes")?.ints.map(Number) ?? [0, 2, 3]).includes(seen.axis(0)) && elementwise(seen),
  ],
  ["LpNormalization", along(({ node }) => intOf(node, "axis", -1))],
  ["CumSum", along(({ numbers }) => numbers(1)?.[0])],
  ["TopK", along(({ node }) => intOf(node, "axis", -1))],
  ["ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare", reduce],
  ["ArgMax ArgMin", argument],
  ["Reshape Flatten Squeeze Unsqueeze", reshape],
  ["Transpose", transpose],
  ["Concat", concat],
  ["Split", (seen) => seen.outAxis === seen.axis(0) && positive(intOf(seen.node, "axis", 0), seen.dims(0).length) !== seen.axis(0)],
  ["Slice", slice],
  ["Gather", gather],
  ["GatherElements", (seen) => sameAxis(seen) && positive(intOf(seen.node, "axis", 0), seen.dims(0).length) !== seen.outAxis],
  ["Expand", expand],
  ["Tile", tile],
  ["Pad", (seen) => firstInputAlone(seen) && seen.outAxis === seen.axis(0) && seen.outDims[seen.outAxis] === seen.dims(0)[seen.axis(0)]],
  ["ConstantOfShape", () => true],
  ["Trilu", (seen) => seen.outAxis === seen.axis(0) && seen.axis(0) < seen.dims(0).length - 2],
  ["LSTM GRU RNN", recurrent],
  ["Einsum", einsum],
  // The scale of a tensor or of a channel does not grow with the batch.
  ["QuantizeLinear DequantizeLinear", (seen) => batched(seen).every((k) => k === 0) && elementwise(seen)],
);

const MICROSOFT: ReadonlyMap<string, Rule> = /* @__PURE__ */ table(
  ["Gelu FastGelu BiasGelu QuickGelu", elementwise],
  ["SkipLayerNormalization SkipSimplifiedLayerNormalization", normalizedLast],
  ["Attention MultiHeadAttention GroupQueryAttention RotaryEmbedding", first],
  ["FusedMatMul", (seen) => (intOf(seen.node, "transA", 0) || intOf(seen.node, "transB", 0) ? false : product(0, 1)(seen))],
  ["FusedConv", firstInput],
);

/** The inputs that only say a shape, a part, or a size: numbers that follow from the size of the batch may be there, and nowhere else. */
const SHAPE_INPUTS: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  Tile: [1],
  ConstantOfShape: [0],
  Resize: [2, 3],
};

/** Returns whether input k of a node says a shape. */
export function saysShape({ domain, opType }: NodeProto, k: number): boolean {
  return isDefault(domain) && (SHAPE_INPUTS[opType]?.includes(k) ?? false);
}

/** Returns whether a node keeps examples apart; false where that is not known. */
export function keepsApart(seen: Seen): boolean {
  const { domain, opType } = seen.node;
  const rule = isDefault(domain) ? DEFAULT.get(opType) : domain === "com.microsoft" ? MICROSOFT.get(opType) : undefined;
  return rule?.(seen) ?? false;
}

// Dropout as selection by a mask that is an input: kept elements are scaled, dropped ones are 0 whatever they held, where a product would keep NaN.

import type { StreamKind } from "../stream/kinds.js";
import { scale, threshold } from "../stream/probability.js";
import type { FreshNames } from "./graph.js";
import {
  DataType,
  type GraphProto,
  intAttribute,
  type ModelProto,
  makeNode,
  makeTensor,
  type NodeProto,
  type TensorProto,
  withGraph,
} from "./proto.js";
import type { Site } from "./sites.js";

/** The nodes and constants that take the place of a site. */
export interface Lowered {
  readonly nodes: NodeProto[];
  readonly constants: TensorProto[];
}

/** Returns the nodes of a site whose mask, of bool and broadcast to the data, is the tensor `mask`. */
export function lower(
  { name, p, data, out, mask: used, elemType }: Site,
  mask: string,
  kind: StreamKind,
  opset: number,
  fresh: FreshNames,
): Lowered {
  const take = (what: string) => fresh.take(`${name}/${what}`);
  // 16-bit numbers are computed with in f32, as the package does.
  const half = elemType === DataType.FLOAT16 || elemType === DataType.BFLOAT16;
  const computed = elemType === DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
  const names = { scale: take("scale"), zero: take("zero"), scaled: take("scaled") };
  const constants = [...constantsOf(names, p, kind, computed)];
  const nodes: NodeProto[] = [];
  let input = data;
  if (half) {
    input = take("wide");
    nodes.push(makeNode("Cast", [data], [input], [intAttribute("to", DataType.FLOAT)]));
  }
  const selected = half ? take("selected") : out;
  nodes.push(...select(input, mask, selected, names));
  if (half) nodes.push(makeNode("Cast", [selected], [out], [intAttribute("to", elemType)]));
  if (used !== undefined) {
    const shape = take("shape");
    // Before set 10, masks are of the type of the data.
    const type = opset < 10 ? elemType : DataType.BOOL;
    const wide = take("bits");
    const broadcast = take("bits/whole");
    nodes.push(
      makeNode("Shape", [data], [shape]),
      makeNode("Cast", [mask], [wide], [intAttribute("to", DataType.INT32)]),
      makeNode("Expand", [wide, shape], [broadcast]),
      makeNode("Cast", [broadcast], [used], [intAttribute("to", type)]),
    );
  }
  return { nodes, constants };
}

/** The names of a selection. */
interface Selection {
  readonly scale: string;
  readonly zero: string;
  readonly scaled: string;
}

/** Returns the scale and the zero of a selection, of element type `computed`. */
function constantsOf(
  { scale: name, zero }: Selection,
  p: number,
  kind: StreamKind,
  computed: DataType,
): readonly [TensorProto, TensorProto] {
  const factor = scale(threshold(p, kind), kind, computed === DataType.DOUBLE ? "f64" : "f32");
  // If everything is dropped there is no scale, and nothing is selected.
  return [makeTensor(name, computed, [], [factor < Infinity ? factor : 1]), makeTensor(zero, computed, [], [0])];
}

/** Returns the nodes of a selection by a mask of bool. */
function select(input: string, mask: string, out: string, { scale, zero, scaled }: Selection): NodeProto[] {
  return [makeNode("Mul", [input, scale], [scaled]), makeNode("Where", [mask, scaled, zero], [out])];
}

/** The names of a site that is a product, and of the selection that may take its place. */
export interface Product extends Selection {
  /** The mask as numbers: 0, or the scale of kept elements. */
  readonly factors: string;
  readonly constants: readonly [scale: TensorProto, zero: TensorProto];
}

/** Returns names for a site of f32 that is to be a product, and its constants. */
export function nameProduct({ name, p }: Site, kind: StreamKind, fresh: FreshNames): Product {
  const take = (what: string) => fresh.take(`${name}/${what}`);
  const names = { factors: take("factors"), scale: take("scale"), zero: take("zero"), scaled: take("scaled") };
  return { ...names, constants: constantsOf(names, p, kind, DataType.FLOAT) };
}

/** Returns the nodes of a site as a product with a mask of bytes. */
export function multiply({ data, out }: Pick<Site, "data" | "out">, mask: string, { factors, scale }: Product): NodeProto[] {
  return [makeNode("DequantizeLinear", [mask, scale], [factors]), makeNode("Mul", [data, factors], [out])];
}

/** Returns a model in which all products are selections, by the same masks of bytes. */
export function selectAgain(model: ModelProto, products: readonly Product[]): ModelProto {
  const byFactors = new Map(products.map((one) => [one.factors, one]));
  const { node: nodes, initializer } = model.graph as GraphProto;
  const node = nodes.flatMap((one) => {
    const made = byFactors.get(one.output[0] ?? "");
    if (made !== undefined) return [makeNode("Cast", [one.input[0] as string], [made.factors], [intAttribute("to", DataType.BOOL)])];
    const read = one.opType === "Mul" ? byFactors.get(one.input[1] ?? "") : undefined;
    if (read === undefined) return [one];
    return select(one.input[0] as string, read.factors, one.output[0] as string, read);
  });
  return withGraph(model, { node, initializer: [...initializer, ...products.map(({ constants }) => constants[1])] });
}

// Dropout as selection by a mask that is an input: kept elements are scaled, dropped ones are 0 whatever they held, where a product would keep NaN.

import type { StreamKind } from "../stream/kinds.js";
import { scale, threshold } from "../stream/probability.js";
import type { FreshNames } from "./graph.js";
import { DataType, intAttribute, makeNode, makeTensor, type NodeProto, type TensorProto } from "./proto.js";
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
  const factor = scale(threshold(p, kind), kind, computed === DataType.DOUBLE ? "f64" : "f32");
  const [scaleName, zero, scaled] = [take("scale"), take("zero"), take("scaled")];
  // If everything is dropped there is no scale, and nothing is selected.
  const constants = [makeTensor(scaleName, computed, [], [factor < Infinity ? factor : 1]), makeTensor(zero, computed, [], [0])];
  const nodes: NodeProto[] = [];
  let input = data;
  if (half) {
    input = take("wide");
    nodes.push(makeNode("Cast", [data], [input], [intAttribute("to", DataType.FLOAT)]));
  }
  const selected = half ? take("selected") : out;
  nodes.push(makeNode("Mul", [input, scaleName], [scaled]), makeNode("Where", [mask, scaled, zero], [selected]));
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

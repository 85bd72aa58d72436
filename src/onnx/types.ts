// The element types of tensors: as the file declares them, or as they follow from what makes them.

import { attributeOf, DataType, elementTypeOf, type GraphProto, intOf, isDefault, type NodeProto } from "./proto.js";

/** Operators whose output is of a type of its own, whatever they read. */
const OWN: Readonly<Record<string, number>> = {
  ...Object.fromEntries(["Shape", "Size", "ArgMax", "ArgMin", "NonZero", "NonMaxSuppression"].map((name) => [name, DataType.INT64])),
  ...Object.fromEntries(
    ["And", "Or", "Xor", "Not", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsNaN", "IsInf"].map((name) => [
      name,
      DataType.BOOL,
    ]),
  ),
  ...Object.fromEntries(["MatMulInteger", "ConvInteger"].map((name) => [name, DataType.INT32])),
};

/** Operators whose output is of the type of another input than the first. */
const LIKE: Readonly<Record<string, number>> = { Where: 1, CastLike: 1, DequantizeLinear: 1, OneHot: 2, QLinearMatMul: 7, QLinearConv: 7 };

/** Look-up of the element types of a graph's tensors; 0 where they are not known. */
export class Types {
  readonly #known = new Map<string, number>();
  readonly #makers = new Map<string, NodeProto>();

  constructor({ input, output, valueInfo, initializer, node }: GraphProto) {
    for (const info of [...valueInfo, ...output, ...input]) {
      const type = elementTypeOf(info);
      if (type !== 0) this.#known.set(info.name, type);
    }
    for (const { name, dataType } of initializer) this.#known.set(name, dataType);
    for (const one of node) for (const name of one.output) this.#makers.set(name, one);
  }

  of(name: string): number {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    // Through chains of any length without recursion: a tensor of the same type as another.
    const chain: string[] = [];
    let type = 0;
    for (let at = name; ; ) {
      const found = this.#known.get(at);
      const maker = this.#makers.get(at);
      if (found !== undefined || maker === undefined || chain.length > this.#makers.size) {
        type = found ?? 0;
        break;
      }
      chain.push(at);
      const own = typeOfNode(maker, at);
      if (typeof own === "number") {
        type = own;
        break;
      }
      at = own;
    }
    for (const one of chain) this.#known.set(one, type);
    return type;
  }
}

/** Returns the type of an output of a node, or the name of a tensor that has the same. */
function typeOfNode(node: NodeProto, output: string): number | string {
  const { opType, domain, input } = node;
  const at = node.output.indexOf(output);
  if (!isDefault(domain)) return input[0] ?? 0;
  if (opType === "Cast") return intOf(node, "to", 0);
  if (opType === "Constant") {
    const { t } = attributeOf(node, "value") ?? {};
    if (t !== undefined) return t.dataType;
    return node.attribute.some(({ name }) => name === "value_int" || name === "value_ints") ? DataType.INT64 : DataType.FLOAT;
  }
  if (opType === "ConstantOfShape") return attributeOf(node, "value")?.t?.dataType ?? DataType.FLOAT;
  if (opType === "QuantizeLinear") return input[2] || DataType.UINT8;
  if (opType === "DynamicQuantizeLinear") return at === 1 ? DataType.FLOAT : DataType.UINT8;
  if ((opType === "TopK" || opType === "MaxPool") && at === 1) return DataType.INT64;
  if (opType === "Dropout" && at === 1) return DataType.BOOL;
  const own = OWN[opType];
  if (own !== undefined) return own;
  return input[LIKE[opType] ?? 0] || (opType === "If" || input.length === 0 ? 0 : (input.find((name) => name !== "") ?? 0));
}

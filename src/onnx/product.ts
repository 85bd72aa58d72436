// Dropout as a product with a mask of numbers, which takes the runtime a third of the time of a selection. It computes the same but for two things: a
// dropped NaN or infinity gives NaN, and a dropped negative number -0. So a site may be a product only if nothing behind it can tell zeros apart, and runs
// have outputs that tell, by being NaN, that something was dropped which is no finite number: then a run is repeated by selection.

import { Constants } from "./constants.js";
import { readsOf } from "./graph.js";
import { attributeOf, DataType, type GraphProto, intOf, isDefault, type NodeProto } from "./proto.js";
import type { Site } from "./sites.js";

/** A node that reads a tensor as its input k. */
interface Reader {
  readonly node: NodeProto;
  /** -1 if only a subgraph reads it. */
  readonly k: number;
}

const words = (...lists: readonly string[]): ReadonlySet<string> => new Set(lists.flatMap((list) => list.split(" ")));

/** Operators whose results differ at most in the signs of zeros if those of inputs do. Whatever is not known is none. */
const BLIND = /* @__PURE__ */ words(
  "Abs Add AveragePool BatchNormalization Ceil Celu Clip Concat Conv ConvTranspose Cos CumSum DepthToSpace Elu Equal Erf Exp Expand Flatten Floor Gather",
  "Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Identity InstanceNormalization",
  "IsInf IsNaN LayerNormalization LeakyRelu Less LessOrEqual LogSoftmax LpNormalization LpPool LRN LSTM GRU RNN MatMul Max MaxPool Mean",
  "MeanVarianceNormalization Min Mish Mul Neg Pad PRelu ReduceL1 ReduceL2 ReduceMax ReduceMean ReduceMin ReduceSum ReduceSumSquare Relu Reshape Resize",
  "RMSNormalization Round Selu Shape Sigmoid SimplifiedLayerNormalization Sin Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum",
  "Swish Tanh ThresholdedRelu Transpose Unsqueeze Upsample Where",
);
const BLIND_MICROSOFT = /* @__PURE__ */ words("BiasGelu FastGelu FusedConv FusedMatMul Gelu QuickGelu SkipLayerNormalization");

/** Operators that pass elements on as they are: zeros that come to the output by these alone are seen there. */
const MOVE = /* @__PURE__ */ words("Cast Concat Expand Flatten Gather Identity Pad Reshape Slice Split Squeeze Transpose Unsqueeze Where");

/** Operators that make something NaN wherever one element of the first input, or of any, is. Others may lose it: Relu and Max by a comparison. */
const CARRY_FIRST = /* @__PURE__ */ words(
  "BatchNormalization Expand Flatten GlobalAveragePool LayerNormalization ReduceMean ReduceSum Reshape Squeeze Transpose Unsqueeze",
);
const CARRY_ANY = /* @__PURE__ */ words("Abs Add Concat Div Gemm Identity MatMul Mean Mul Neg Sub Sum");
/** Operators that the runtime computes together with the product or convolution before them, unless another node reads that too. */
const FUSED = /* @__PURE__ */ words("Add BatchNormalization Clip Elu Gelu HardSigmoid HardSwish LeakyRelu Relu Sigmoid Tanh");

/** The readers of tensors. */
class Readers {
  readonly #readers = new Map<string, Reader[]>();

  constructor(nodes: readonly NodeProto[]) {
    for (const node of nodes) {
      for (const name of readsOf(node)) {
        const k = node.input.indexOf(name);
        const reader = { node, k };
        const known = this.#readers.get(name);
        if (known === undefined) this.#readers.set(name, [reader]);
        else known.push(reader);
      }
    }
  }

  of(name: string): readonly Reader[] {
    return this.#readers.get(name) ?? [];
  }
}

/** The sites of a part that are products, and what tells that one of them dropped something else than finite numbers. */
export interface Products {
  readonly sites: ReadonlySet<Site>;
  /** Tensors that have a NaN then, beside the output that is wanted. */
  readonly witnesses: readonly string[];
}

/**
 * Chooses the sites that are products.
 *
 * @param nodes of the part that passes run
 * @param sites those that may be, each the Dropout node among `nodes`
 * @param target name of the output
 */
export function chooseProducts(graph: GraphProto, nodes: readonly NodeProto[], sites: readonly Site[], target: string): Products {
  const readers = new Readers(nodes);
  const constants = new Constants(graph);
  const dropouts = new Set(nodes.filter(({ opType, domain }) => opType === "Dropout" && isDefault(domain)));
  const blind = ({ node, k }: Reader) => dropouts.has(node) || isBlind(node, k, constants);
  const moves = ({ node }: Reader) => isDefault(node.domain) && MOVE.has(node.opType);
  const chosen = new Set(sites.filter(({ out }) => behind(out, readers, blind).every && !behind(out, readers, moves).reached.has(target)));
  const products = new Set([...chosen].map(({ node }) => node));
  const witnesses = new Set<string>();
  for (const { out } of chosen) {
    const { reached } = behind(out, readers, ({ node, k }) => products.has(node) || carries(node, k));
    if (reached.has(target)) continue;
    const order = nodes.flatMap(({ output }) => output).filter((name) => reached.has(name));
    const alone = order.filter((name) => !readers.of(name).some(({ node }) => FUSED.has(node.opType)));
    witnesses.add(alone.at(-1) ?? out);
  }
  return { sites: chosen, witnesses: [...witnesses] };
}

/** Returns the tensors that follow from one through readers as `wanted`, and whether every reader on the way is. */
function behind(from: string, readers: Readers, wanted: (reader: Reader) => boolean): { reached: ReadonlySet<string>; every: boolean } {
  const reached = new Set([from]);
  let every = true;
  for (const name of reached) {
    for (const reader of readers.of(name)) {
      if (!wanted(reader)) every = false;
      else for (const made of reader.node.output) if (made !== "") reached.add(made);
    }
  }
  return { reached, every };
}

function isBlind(node: NodeProto, k: number, constants: Constants): boolean {
  const { domain, opType, input } = node;
  if (k < 0) return false;
  if (!isDefault(domain)) return domain === "com.microsoft" && BLIND_MICROSOFT.has(opType);
  // Dividing by zero, a power below 0, and text tell them apart.
  if (opType === "Div") return input.lastIndexOf(input[k] as string) === 0;
  if (opType === "Pow") return input[1] !== input[k] && (constants.numbers(input[1] ?? "")?.every((power) => power > 0) ?? false);
  if (opType === "Cast") return intOf(node, "to", 0) !== DataType.STRING;
  return BLIND.has(opType);
}

function carries(node: NodeProto, k: number): boolean {
  const { domain, opType } = node;
  if (!isDefault(domain) || k < 0) return false;
  if (opType === "Cast") return [DataType.FLOAT, DataType.DOUBLE].includes(intOf(node, "to", 0));
  if (opType === "Gemm") return attributeOf(node, "alpha")?.f !== 0 && attributeOf(node, "beta")?.f !== 0;
  // Strides and gaps pass over elements.
  if (opType === "Conv") {
    const steps = ["strides", "dilations"].flatMap((name) => attributeOf(node, name)?.ints.map(Number) ?? []);
    return k === 0 && steps.every((step) => step === 1) && (attributeOf(node, "pads")?.ints.every((pad) => pad >= 0n) ?? true);
  }
  return CARRY_ANY.has(opType) || (k === 0 && CARRY_FIRST.has(opType));
}

// The small form of an ONNX file: wasm-dropout/onnx cuts the model before its first dropout, and both parts become steps of the Worker.

import { fromBinary } from "@bufbuild/protobuf";
import { AttributeProto_AttributeType, type GraphProto, ModelProtoSchema, type NodeProto, TensorProto_DataType } from "onnx-buf";
import { type CutOptions, cutAtDropouts, type MaskInput } from "wasm-dropout/onnx";
import { type Network, type Step, type Stored, store } from "./model.js";

const SUPPORTED = "Gemm, MatMul and Add with constants, Relu, Flatten, Identity, Dropout, and Softmax at the end";

/** Prepares an ONNX model of one input [examples, values] for the Worker; throws RangeError that names what it cannot do. */
export function toSmallForm(model: Uint8Array, options?: CutOptions): Network<Stored> {
  const { prefix, cut, rest, masks, outputName } = cutAtDropouts(model, options);
  const graphOf = (bytes: Uint8Array) => new Graph(fromBinary(ModelProtoSchema, bytes).graph as GraphProto, masks);
  const [between, ...others] = cut;
  const second = graphOf(rest);
  const first = prefix === undefined ? second : graphOf(prefix);
  const [input, ...inputs] = first.inputs.filter((name) => !masks.some((mask) => mask.input === name));
  if (input === undefined || inputs.length > 0 || others.length > 0 || (prefix !== undefined && second.reads(input))) {
    throw new RangeError(`"model" expected one chain of layers from one input, got ${JSON.stringify([input, ...inputs, ...cut])}`);
  }
  const before = prefix === undefined || between === undefined ? [] : first.steps(input, between);
  const after = second.steps(between ?? input, outputName);
  const dense = [...before, ...after].flatMap((step) => (step.op === "dense" ? [step.layer] : []));
  if (dense.length === 0) throw new RangeError('"model" expected at least one fully connected layer, got none');
  return { inputs: dense[0].inputs, before, after };
}

/** Numbers of the file: in f32, or of eight bits, of which each is multiplied by the scale of its column. */
interface Constant {
  readonly dims: readonly number[];
  readonly values: Float32Array | Int8Array;
  readonly scales?: Float32Array;
}

class Graph {
  readonly inputs: readonly string[];
  readonly #nodes: readonly NodeProto[];
  readonly #constants = new Map<string, Constant>();
  readonly #masks: readonly MaskInput[];

  constructor({ node, initializer, input }: GraphProto, masks: readonly MaskInput[]) {
    this.#masks = masks;
    for (const { name, dims, dataType, rawData, floatData, int32Data } of initializer) {
      const bytes = rawData.slice();
      const values =
        dataType === TensorProto_DataType.FLOAT
          ? bytes.length > 0
            ? new Float32Array(bytes.buffer)
            : Float32Array.from(floatData)
          : dataType === TensorProto_DataType.INT8
            ? bytes.length > 0
              ? new Int8Array(bytes.buffer)
              : Int8Array.from(int32Data)
            : undefined;
      if (values !== undefined) this.#constants.set(name, { dims: dims.map(Number), values });
    }
    this.inputs = input.map(({ name }) => name).filter((name) => !this.#constants.has(name));
    this.#nodes = node.filter((one) => !this.#widens(one));
  }

  reads(name: string): boolean {
    return this.#nodes.some(({ input }) => input.includes(name));
  }

  /** Takes note of weights of eight bits that a node widens: Cast, or Mul by scales. */
  #widens({ opType, input: [name, scale], output, attribute }: NodeProto): boolean {
    const weights = this.#constants.get(name);
    if (!(weights?.values instanceof Int8Array) || weights.scales !== undefined) return false;
    if (opType === "Cast" && Number(attribute[0]?.i) === TensorProto_DataType.FLOAT) {
      this.#constants.set(output[0], weights);
      return true;
    }
    const scales = opType === "Mul" ? this.#constants.get(scale) : undefined;
    if (!(scales?.values instanceof Float32Array) || scales.dims.length > 1) return false;
    this.#constants.set(output[0], { ...weights, scales: scales.values });
    return true;
  }

  /** Returns the steps from one tensor to another. */
  steps(from: string, to: string): Step<Stored>[] {
    const steps: Step<Stored>[] = [];
    for (let at = from; at !== to; ) {
      const [node, ...others] = this.#nodes.filter(({ input, opType }) => input.includes(at) && opType !== "Shape");
      if (node === undefined || others.length > 0) {
        throw new RangeError(
          `"model" expected one chain of layers, got ${others.length + (node ? 1 : 0)} nodes that read ${JSON.stringify(at)}`,
        );
      }
      at = this.#take(node, at, to, steps);
    }
    return steps;
  }

  /** Adds the step of a node; returns the tensor that it ends with. */
  #take(node: NodeProto, at: string, to: string, steps: Step<Stored>[]): string {
    const { opType, input, attribute } = node;
    const [output] = node.output;
    const number = (name: string, otherwise: number) => {
      const one = attribute.find((each) => each.name === name);
      return one === undefined ? otherwise : Number(one.type === AttributeProto_AttributeType.FLOAT ? one.f : one.i);
    };
    const refuse = () => new RangeError(`"model" expected ${SUPPORTED}, got ${opType} at ${JSON.stringify(node.name || output)}`);
    if (opType === "Relu") steps.push({ op: "relu" });
    else if (opType === "Identity" || (opType === "Flatten" && number("axis", 1) === 1)) return output;
    // Predictions are made of logits.
    else if (opType === "Softmax" && output === to && Math.abs(number("axis", -1)) === 1) return output;
    else if (opType === "Gemm" && input[0] === at && number("alpha", 1) === 1 && number("beta", 1) === 1 && number("transA", 0) === 0) {
      steps.push({ op: "dense", layer: this.#layer(input[1], input[2], number("transB", 0) === 1) ?? raise(refuse()) });
    } else if (opType === "MatMul" && input[0] === at) {
      const readers = this.#nodes.filter((one) => one.input.includes(output));
      const [sum] = readers;
      const adds = readers.length === 1 && sum.opType === "Add" && output !== to;
      const bias = adds ? sum.input.find((name) => name !== output) : undefined;
      steps.push({ op: "dense", layer: this.#layer(input[1], bias, false) ?? raise(refuse()) });
      if (adds) return sum.output[0];
    } else if (opType === "Mul") {
      // Dropout, as the cut model has it: scaled, then selected by a mask.
      const select = this.#nodes.find((one) => one.opType === "Where" && one.input[1] === output);
      const mask = this.#masks.find((one) => one.input === select?.input[0]);
      if (select === undefined || mask === undefined) throw refuse();
      steps.push({ op: "dropout", name: mask.name, p: mask.p });
      return select.output[0];
    } else throw refuse();
    return output;
  }

  /** Returns a layer of constants; undefined if they are none, or of other shapes. */
  #layer(name: string, bias: string | undefined, transposed: boolean): Stored | undefined {
    const weights = this.#constants.get(name);
    const biases = bias ? this.#constants.get(bias)?.values : undefined;
    if (weights?.dims.length !== 2 || (bias && !(biases instanceof Float32Array))) return undefined;
    const [inputs, outputs] = transposed ? [weights.dims[1], weights.dims[0]] : weights.dims;
    const own = (biases as Float32Array | undefined) ?? new Float32Array(outputs);
    if (own.length !== outputs && own.length !== 1) return undefined;
    const spread = own.length === outputs ? own : new Float32Array(outputs).fill(own[0]);
    const { values, scales } = weights;
    const at = (k: number) => (transposed ? (k % outputs) * inputs + Math.floor(k / outputs) : k);
    if (values instanceof Float32Array) {
      return store({ inputs, outputs, weights: Float32Array.from(values, (_, k) => values[at(k)]), biases: spread });
    }
    // Columns are outputs.
    if (scales === undefined || (transposed && scales.length !== 1)) return undefined;
    const whole = scales.length === 1 ? new Float32Array(outputs).fill(scales[0]) : scales;
    if (whole.length !== outputs) return undefined;
    return { inputs, outputs, biases: spread, scales: whole, steps: Int8Array.from(values, (_, k) => values[at(k)]) };
  }
}

function raise(error: Error): never {
  throw error;
}

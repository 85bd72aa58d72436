// The small form of a network for the Worker: the steps that passes have in common, those of each pass, and eight bits a weight with a scale for each unit.
//
//   u32  magic number    u32  bytes of the header    header: JSON { inputs, before, after }, padded by spaces to 4 bytes
//   then for each dense step    f32[outputs] scales    f32[outputs] biases    i8[inputs x outputs] weights, input by input, padded to 4 bytes
//
// All little-endian. The weight from input i to output o is scales[o] * weights[i * outputs + o].

/** A fully connected layer: outputs = biases + inputs x weights. */
export interface Layer {
  readonly inputs: number;
  readonly outputs: number;
  /** inputs x outputs, row-major. */
  readonly weights: Float32Array;
  readonly biases: Float32Array;
}

/** A layer as it is kept. */
export interface Stored extends Omit<Layer, "weights"> {
  readonly scales: Float32Array;
  readonly steps: Int8Array;
}

/** A step of a network, on the values of one example. */
export type Step<L> =
  | { readonly op: "dense"; readonly layer: L }
  | { readonly op: "relu" }
  /** Dropout by the stream of a name, p as in training. */
  | { readonly op: "dropout"; readonly name: string; readonly p: number };

/** A network that is cut before its first dropout; its outputs are logits. */
export interface Network<L = Layer> {
  readonly inputs: number;
  readonly before: readonly Step<L>[];
  readonly after: readonly Step<L>[];
}

/** A step in the header: sizes in place of weights. */
type Told = { readonly op: "dense"; readonly inputs: number; readonly outputs: number } | Exclude<Step<never>, { readonly op: "dense" }>;

// "WDM2".
const MAGIC = 0x324d4457;
const LARGEST = 127;
const LITTLE = true;

const padded = (bytes: number) => Math.ceil(bytes / 4) * 4;

/** Rounds weights to eight bits, each unit's by a scale of its own. */
export function store({ inputs, outputs, weights, biases }: Layer): Stored {
  const scales = new Float32Array(outputs);
  for (let k = 0; k < weights.length; ++k) scales[k % outputs] = Math.max(scales[k % outputs], Math.abs(weights[k]) / LARGEST);
  return {
    inputs,
    outputs,
    biases,
    scales,
    steps: Int8Array.from(weights, (weight, k) => Math.round(weight / (scales[k % outputs] || 1))),
  };
}

/** Returns the layer that the Worker computes with. */
export function restore({ inputs, outputs, biases, scales, steps }: Stored): Layer {
  return { inputs, outputs, biases, weights: Float32Array.from(steps, (step, k) => step * scales[k % outputs]) };
}

/** Writes a network in its small form. */
export function encodeModel({ inputs, before, after }: Network<Stored>): Uint8Array<ArrayBuffer> {
  const told = (step: Step<Stored>): Told =>
    step.op === "dense" ? { op: "dense", inputs: step.layer.inputs, outputs: step.layer.outputs } : step;
  const json = new TextEncoder().encode(JSON.stringify({ inputs, before: before.map(told), after: after.map(told) }));
  const layers = [...before, ...after].flatMap((step) => (step.op === "dense" ? [step.layer] : []));
  const start = 8 + padded(json.length);
  const bytes = new Uint8Array(layers.reduce((sum, { outputs, steps }) => sum + 8 * outputs + padded(steps.length), start));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC, LITTLE);
  view.setUint32(4, padded(json.length), LITTLE);
  bytes.fill(0x20, 8, start).set(json, 8);
  let at = start;
  for (const { scales, biases, steps } of layers) {
    for (const value of [...scales, ...biases]) {
      view.setFloat32(at, value, LITTLE);
      at += 4;
    }
    bytes.set(new Uint8Array(steps.buffer, steps.byteOffset, steps.length), at);
    at += padded(steps.length);
  }
  return bytes;
}

/** Reads a network; throws TypeError if `buffer` holds none, RangeError if not all of one. */
export function decodeModel(buffer: ArrayBuffer): Network {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || view.getUint32(0, LITTLE) !== MAGIC) {
    throw new TypeError('"buffer" expected a network in its small form, got something else');
  }
  const length = view.getUint32(4, LITTLE);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length))) as Record<"before" | "after", Told[]>;
  let at = 8 + length;
  const takeFloats = (count: number) => {
    const floats = Float32Array.from({ length: count }, (_, o) => view.getFloat32(at + 4 * o, LITTLE));
    at += 4 * count;
    return floats;
  };
  const take = (step: Told): Step<Layer> => {
    if (step.op !== "dense") return step;
    const { inputs, outputs } = step;
    const scales = takeFloats(outputs);
    const biases = takeFloats(outputs);
    const steps = new Int8Array(buffer, at, inputs * outputs);
    at += padded(steps.length);
    return { op: "dense", layer: restore({ inputs, outputs, scales, biases, steps }) };
  };
  const { inputs } = header as unknown as Network;
  return { inputs, before: header.before.map(take), after: header.after.map(take) };
}

/** Returns the multiplications of some steps. */
export function workOf(steps: readonly Step<Pick<Layer, "inputs" | "outputs">>[]): number {
  return steps.reduce((sum, step) => sum + (step.op === "dense" ? step.layer.inputs * step.layer.outputs : 0), 0);
}

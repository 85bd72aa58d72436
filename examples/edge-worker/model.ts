// The file that a trained network is kept in: eight bits a weight, with a scale for each unit.
//
//   u32  magic number    u32  layers    then for each layer    u32  inputs    u32  outputs
//   then for each layer    f32[outputs] scales    f32[outputs] biases    i8[inputs x outputs] weights, input by input, padded to 4 bytes
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

// "WDM1".
const MAGIC = 0x314d4457;
const LARGEST = 127;

const padded = (bytes: number) => Math.ceil(bytes / 4) * 4;

export function encodeModel(layers: readonly Layer[]): Uint8Array<ArrayBuffer> {
  const sizes = layers.map(({ inputs, outputs }) => 8 + 8 * outputs + padded(inputs * outputs));
  const bytes = new Uint8Array(sizes.reduce((sum, size) => sum + size, 8));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const putWord = (word: number) => {
    view.setUint32(at, word, true);
    at += 4;
  };
  const putFloats = (values: Float32Array) => {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += 4;
    }
  };
  putWord(MAGIC);
  putWord(layers.length);
  for (const { inputs, outputs } of layers) {
    putWord(inputs);
    putWord(outputs);
  }
  for (const { inputs, outputs, weights, biases } of layers) {
    const scales = new Float32Array(outputs);
    for (let k = 0; k < weights.length; ++k) scales[k % outputs] = Math.max(scales[k % outputs], Math.abs(weights[k]) / LARGEST);
    putFloats(scales);
    putFloats(biases);
    for (let k = 0; k < weights.length; ++k) view.setInt8(at + k, Math.round(weights[k] / (scales[k % outputs] || 1)));
    at += padded(inputs * outputs);
  }
  return bytes;
}

/** Throws TypeError if `buffer` holds no model, RangeError if not all of one. */
export function decodeModel(buffer: ArrayBuffer): Layer[] {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || view.getUint32(0, true) !== MAGIC) throw new TypeError('"buffer" expected a model, got something else');
  const layers: Layer[] = [];
  const count = view.getUint32(4, true);
  let at = 8 + 8 * count;
  const takeFloats = (length: number) => {
    const floats = Float32Array.from({ length }, (_, o) => view.getFloat32(at + 4 * o, true));
    at += 4 * length;
    return floats;
  };
  for (let layer = 0; layer < count; ++layer) {
    const inputs = view.getUint32(8 + 8 * layer, true);
    const outputs = view.getUint32(12 + 8 * layer, true);
    const scales = takeFloats(outputs);
    const biases = takeFloats(outputs);
    const steps = new Int8Array(buffer, at, inputs * outputs);
    at += padded(inputs * outputs);
    layers.push({ inputs, outputs, weights: Float32Array.from(steps, (step, k) => step * scales[k % outputs]), biases });
  }
  return layers;
}

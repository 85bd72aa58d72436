// ONNX models of one layer, written byte by byte: field numbers are those of onnx.proto (github.com/onnx/onnx).

import { bytes, integer, text } from "./protobuf.mjs";

/** @import { Matrix } from "./network.mjs" */

// TensorProto.DataType.
const FLOAT = 1;

/** NodeProto: inputs (1), output (2), operator (4). @param {string} operator @param {string[]} inputs @param {string} output */
function node(operator, inputs, output) {
  return [...inputs.flatMap((name) => text(1, name)), ...text(2, output), ...text(4, operator)];
}

/** TensorProto: sizes (1), element type (2), name (8), little-endian data (9). @param {string} name @param {Matrix} rows */
function constant(name, rows) {
  const values = rows.flat();
  const data = new DataView(new ArrayBuffer(4 * values.length));
  for (const [i, value] of values.entries()) data.setFloat32(4 * i, value, true);
  const sizes = [rows.length, values.length / rows.length].flatMap((size) => integer(1, size));
  return [...sizes, ...integer(2, FLOAT), ...text(8, name), ...bytes(9, new Uint8Array(data.buffer))];
}

/** ValueInfoProto: name (1) and type (2): a tensor (1) of an element type (1) and a shape (2) of two dimensions (1) of any size. @param {string} name */
function matrix(name) {
  const shape = [...bytes(1, []), ...bytes(1, [])];
  return [...text(1, name), ...bytes(2, bytes(1, [...integer(1, FLOAT), ...bytes(2, shape)]))];
}

/**
 * y = x weights, or relu(x weights), in f32: x is [rows, inputs], weights [inputs, outputs].
 *
 * @param {Matrix} weights
 * @param {boolean} relu
 */
export function layerModel(weights, relu) {
  const nodes = [node("MatMul", ["x", "weights"], relu ? "z" : "y")];
  if (relu) nodes.push(node("Relu", ["z"], "y"));
  // GraphProto: nodes (1), name (2), constants (5), inputs (11), outputs (12).
  const graph = [
    ...nodes.flatMap((content) => bytes(1, content)),
    ...text(2, "layer"),
    ...bytes(5, constant("weights", weights)),
    ...bytes(11, matrix("x")),
    ...bytes(12, matrix("y")),
  ];
  // ModelProto: IR version (1), graph (7), operator sets (8), of which one of the default domain (1), version 13 (2). 7 is the IR of that set.
  return Uint8Array.from([...integer(1, 7), ...bytes(7, graph), ...bytes(8, [...text(1, ""), ...integer(2, 13)])]);
}

// An ONNX model of a single Dropout node, written byte by byte: field numbers are those of onnx.proto (github.com/onnx/onnx).

import { bytes, integer, text } from "../../examples/frameworks/protobuf.mjs";

// TensorProto.DataType.
const FLOAT = 1;
const BOOL = 9;

/** ValueInfoProto: a tensor's name (1) and type (2), which is a tensor type (1) of an element type (1) and a shape (2) of named dimensions. */
function tensor(name: string, elementType: number, dimensions: readonly string[]): number[] {
  // Shape: dimensions (1), each with a name (2) instead of a size.
  const shape = dimensions.flatMap((dimension) => bytes(1, text(2, dimension)));
  return [...text(1, name), ...bytes(2, bytes(1, [...integer(1, elementType), ...bytes(2, shape)]))];
}

/** y = Dropout-13(x, ratio, training), over x and y of one dimension. */
export function dropoutModel(): Uint8Array {
  // NodeProto: inputs (1), outputs (2), operator (4).
  const node = [...text(1, "x"), ...text(1, "ratio"), ...text(1, "training"), ...text(2, "y"), ...text(4, "Dropout")];
  // GraphProto: nodes (1), name (2), inputs (11), outputs (12).
  const graph = [
    ...bytes(1, node),
    ...text(2, "dropout"),
    ...bytes(11, tensor("x", FLOAT, ["n"])),
    ...bytes(11, tensor("ratio", FLOAT, [])),
    ...bytes(11, tensor("training", BOOL, [])),
    ...bytes(12, tensor("y", FLOAT, ["n"])),
  ];
  // ModelProto: IR version (1), graph (7), operator sets (8), of which one of the default domain (1), version 13 (2). 7 is the IR of that set.
  return Uint8Array.from([...integer(1, 7), ...bytes(7, graph), ...bytes(8, [...text(1, ""), ...integer(2, 13)])]);
}

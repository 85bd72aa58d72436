// An ONNX model of a single Dropout node, over the public schema (github.com/onnx/onnx).

import { create, toBinary } from "@bufbuild/protobuf";
import { TensorProto_DataType as DataType, ModelProtoSchema } from "onnx-buf";

/** A tensor as an input or output, each dimension of any size. */
const tensor = (name: string, elemType: DataType, dimensions: readonly string[]) => ({
  name,
  type: {
    value: {
      case: "tensorType" as const,
      value: { elemType, shape: { dim: dimensions.map((value) => ({ value: { case: "dimParam" as const, value } })) } },
    },
  },
});

/** y = Dropout-13(x, ratio, training), over x and y of one dimension. */
export function dropoutModel(): Uint8Array {
  const model = create(ModelProtoSchema, {
    // The version of the format that came with set 13 of operators.
    irVersion: 7n,
    opsetImport: [{ domain: "", version: 13n }],
    graph: {
      name: "dropout",
      node: [{ opType: "Dropout", input: ["x", "ratio", "training"], output: ["y"] }],
      input: [tensor("x", DataType.FLOAT, ["n"]), tensor("ratio", DataType.FLOAT, []), tensor("training", DataType.BOOL, [])],
      output: [tensor("y", DataType.FLOAT, ["n"])],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

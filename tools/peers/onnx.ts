// ONNX models of a single node, over the public schema (github.com/onnx/onnx).

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

/** y = operator(x, then the others of `inputs`), all of f32, each with the number of its dimensions; `y` is like x. Inputs that the node has no use for are \`spare\`. */
export function nodeModel(
  operator: string,
  domain: "" | "com.microsoft",
  inputs: Readonly<Record<string, 1 | 2>>,
  spare: string[] = [],
): Uint8Array {
  const dimensions = (count: 1 | 2) => ["rows", "columns"].slice(-count);
  const model = create(ModelProtoSchema, {
    irVersion: 8n,
    opsetImport: [
      { domain: "", version: 17n },
      { domain: "com.microsoft", version: 1n },
    ],
    graph: {
      name: "node",
      node: [{ opType: operator, domain, input: Object.keys(inputs).filter((name) => !spare.includes(name)), output: ["y"] }],
      input: Object.entries(inputs).map(([name, count]) => tensor(name, DataType.FLOAT, dimensions(count))),
      output: [tensor("y", DataType.FLOAT, dimensions(2))],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

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

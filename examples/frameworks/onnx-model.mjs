// ONNX models of one layer, over the public schema (github.com/onnx/onnx), so that no file is needed.

import { create, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataType } from "onnx-buf";

/** @import { Matrix } from "./network.mjs" */

const { FLOAT } = TensorProto_DataType;

/** @param {string} opType @param {string[]} input @param {string} output */
const node = (opType, input, output) => ({ opType, input, output: [output] });

/** A matrix as an input or output: two dimensions of any size. @param {string} name */
const matrix = (name) => ({
  name,
  type: { value: { case: /** @type {const} */ ("tensorType"), value: { elemType: FLOAT, shape: { dim: [{}, {}] } } } },
});

/**
 * y = x weights, or relu(x weights), in f32: x is [rows, inputs], weights [inputs, outputs].
 *
 * @param {Matrix} weights
 * @param {boolean} relu
 */
export function layerModel(weights, relu) {
  const values = weights.flat();
  const dims = [weights.length, values.length / weights.length].map(BigInt);
  const product = node("MatMul", ["x", "weights"], relu ? "z" : "y");
  const model = create(ModelProtoSchema, {
    // The version of the format that came with set 13 of operators.
    irVersion: 7n,
    opsetImport: [{ domain: "", version: 13n }],
    graph: {
      name: "layer",
      node: relu ? [product, node("Relu", ["z"], "y")] : [product],
      initializer: [{ name: "weights", dataType: FLOAT, dims, floatData: values }],
      input: [matrix("x")],
      output: [matrix("y")],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

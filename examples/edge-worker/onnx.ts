// The network as an ONNX file, over the public schema (github.com/onnx/onnx): fully connected layers with eight bits a weight, ReLU, and dropout by name.

import { create, toBinary } from "@bufbuild/protobuf";
import { AttributeProto_AttributeType, ModelProtoSchema, TensorProto_DataType } from "onnx-buf";
import type { Stored } from "./model.js";

const { FLOAT, INT8 } = TensorProto_DataType;

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int8Array) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
const tensor = (name: string, dims: readonly number[], values: Float32Array | Int8Array) => ({
  name,
  dims: dims.map(BigInt),
  dataType: values instanceof Int8Array ? INT8 : FLOAT,
  rawData: bytesOf(values),
});
const node = (opType: string, name: string, input: string[], output: string) => ({ opType, name, input, output: [output] });
const matrix = (name: string, columns: number) => {
  const dim = [{ value: { case: "dimParam" as const, value: "batch" } }, { value: { case: "dimValue" as const, value: BigInt(columns) } }];
  return { name, type: { value: { case: "tensorType" as const, value: { elemType: FLOAT, shape: { dim } } } } };
};

/**
 * Writes "image" [batch, inputs] -> "logits" [batch, classes]: between layers ReLU and dropout "hidden1", "hidden2", …, as an exporter writes them that keeps
 * dropout. Weights are of int8, widened by Cast and Mul: of DequantizeLinear, ONNX Runtime makes a product that also rounds activations to eight bits.
 */
export function encodeOnnx(layers: readonly Stored[], p: number): Uint8Array {
  const nodes: (ReturnType<typeof node> & { attribute?: object[] })[] = [];
  const constants = [tensor("p", [], Float32Array.of(p))];
  const last = layers.length - 1;
  layers.forEach(({ inputs, outputs, scales, biases, steps }, l) => {
    const weights = `dense${l + 1}.weight`;
    const bias = `dense${l + 1}.bias`;
    const to = { name: "to", type: AttributeProto_AttributeType.INT, i: BigInt(FLOAT) };
    constants.push(tensor(`${weights}/int8`, [inputs, outputs], steps));
    constants.push(tensor(`${weights}/scale`, [outputs], scales), tensor(bias, [outputs], biases));
    nodes.push({ ...node("Cast", `${weights}/Cast`, [`${weights}/int8`], `${weights}/wide`), attribute: [to] });
    nodes.push(node("Mul", `${weights}/Mul`, [`${weights}/wide`, `${weights}/scale`], weights));
    const x = l === 0 ? "image" : `hidden${l}/kept`;
    const y = l === last ? "logits" : `hidden${l + 1}/sum`;
    nodes.push(node("Gemm", `dense${l + 1}`, [x, weights, bias], y));
    if (l === last) return;
    const name = `hidden${l + 1}`;
    nodes.push(node("Relu", `${name}/relu`, [y], `${name}/active`), node("Dropout", name, [`${name}/active`, "p"], `${name}/kept`));
  });
  const model = create(ModelProtoSchema, {
    // The version of the format that came with set 13 of operators.
    irVersion: 7n,
    producerName: "wasm-dropout-example-edge-worker",
    opsetImport: [{ domain: "", version: 13n }],
    graph: {
      name: "digits",
      node: nodes,
      initializer: constants,
      input: [matrix("image", layers[0].inputs)],
      output: [matrix("logits", layers[last].outputs)],
    },
  });
  return toBinary(ModelProtoSchema, model);
}

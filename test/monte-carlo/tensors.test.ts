// Outputs of models in the tensors of frameworks. Not a unit test: it needs their packages, ONNX Runtime's being that of the benchmark of peers.

import { createRequire } from "node:module";
import { expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";
import { createMonteCarlo, type Model } from "../../src/monte-carlo/index.js";

const runtime = createRequire(new URL("../../tools/peers/package.json", import.meta.url)).resolve("onnxruntime-web");

it("tensors of TensorFlow.js and of ONNX Runtime", async () => {
  await import("@tensorflow/tfjs-backend-cpu");
  const tf = await import("@tensorflow/tfjs-core");
  await tf.setBackend("cpu");
  const { Tensor } = (await import(runtime)) as {
    Tensor: new (dtype: string, data: Float32Array, dims: number[]) => { data: Float32Array };
  };
  const monteCarlo = await createMonteCarlo(await createDropout({ seed: 1 }));
  const data = (pass: number) => Float32Array.of(pass % 2, 5, -(pass % 2));
  const inTensorFlow: Model<null> = (_, { pass }) => tf.tidy(() => tf.mul(tf.tensor2d(data(pass), [1, 3]), 2));
  const inRuntime: Model<null> = async (_, { pass }) =>
    new Tensor(
      "float32",
      data(pass).map((value) => 2 * value),
      [1, 3],
    );
  for (const model of [inTensorFlow, inRuntime]) {
    const { mean, populationVariance } = await monteCarlo.predict(model, null, { passes: 4 });
    expect([...mean]).toEqual([1, 10, -1]);
    expect([...populationVariance]).toEqual([1, 0, 1]);
  }
  const integers: Model<null> = () => tf.tensor1d([1, 2], "int32");
  await expect(monteCarlo.predict(integers, null, { passes: 1 })).rejects.toThrow('"output" expected Float32Array, Float64Array or buffer');
});

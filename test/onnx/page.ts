// The program that runs in a page of page.test.ts: a prediction in onnxruntime-web there.

import * as ort from "onnxruntime-web";
import { createDropout } from "../../src/core/index.js";
import { createOnnxMonteCarlo } from "../../src/onnx/index.js";
import { Numbers } from "../support/onnx/build.js";

async function predict(model: readonly number[], dims: readonly number[], passes: number) {
  ort.env.wasm.numThreads = 1;
  const dropout = await createDropout({ seed: 7 });
  const onnx = await createOnnxMonteCarlo(dropout, { ort, model: Uint8Array.from(model) });
  const data = new Numbers(9).take(dims.reduce((a, b) => a * b, 1));
  const { mean, variance, samples, identicalPasses } = await onnx.predict(new ort.Tensor("float32", data, dims), { passes });
  await onnx.release();
  return { mean: [...mean], variance: [...variance], samples, identicalPasses };
}

Object.assign(globalThis, { predict });

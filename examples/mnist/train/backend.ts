// The backends of tfjs. That for WebAssembly multiplies matrices with XNNPACK's kernels only where neither is to be transposed, and with a plain
// loop elsewhere, as in all gradients: here it transposes first, which is several times as fast and helps both variants alike.

import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import {
  type BatchMatMulInputs,
  enableProdMode,
  getKernel,
  type KernelConfig,
  type KernelFunc,
  ready,
  registerKernel,
  setBackend,
  type TensorInfo,
  type TransposeAttrs,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import type { Backend } from "./settings.js";

/** Makes `name` the backend of this process. */
export async function useBackend(name: Backend): Promise<void> {
  if (name === "wasm") {
    setWasmPaths(dirname(createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm")) + sep);
    transposeBeforeMultiplying();
  }
  // Without it, the cpu backend advises to install another.
  enableProdMode();
  await setBackend(name);
  await ready();
}

let transposing = false;

function transposeBeforeMultiplying(): void {
  if (transposing) return;
  transposing = true;
  const config = kernelOf("BatchMatMul");
  const { kernelFunc: multiply } = config;
  const { kernelFunc: transpose } = kernelOf("Transpose");
  const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) => {
    const { a, b } = inputs as BatchMatMulInputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = attrs as { transposeA?: boolean; transposeB?: boolean };
    const turned: TensorInfo[] = [];
    const turn = (x: TensorInfo, wanted = false): TensorInfo => {
      if (!wanted) return x;
      const perm = [...x.shape.keys()].with(-1, x.shape.length - 2).with(-2, x.shape.length - 1);
      const y = transpose({ inputs: { x }, attrs: { perm } satisfies TransposeAttrs, backend }) as TensorInfo;
      turned.push(y);
      return y;
    };
    const product = multiply({
      inputs: { a: turn(a, transposeA), b: turn(b, transposeB) },
      attrs: { transposeA: false, transposeB: false },
      backend,
    });
    for (const { dataId } of turned) (backend as { disposeData(dataId: object): void }).disposeData(dataId);
    return product;
  };
  unregisterKernel("BatchMatMul", "wasm");
  registerKernel({ ...config, kernelFunc });
}

function kernelOf(name: string): KernelConfig {
  const kernel = getKernel(name, "wasm");
  if (kernel === undefined) throw new Error(`tfjs-backend-wasm has no kernel ${name}`);
  return kernel;
}

// The backends of tfjs. That for WebAssembly multiplies matrices with XNNPACK's kernels only where neither is to be transposed, and with a plain
// loop elsewhere, as in all gradients: here it transposes first, which is several times as fast and helps both variants alike.

import "@tensorflow/tfjs-backend-cpu";
import { type BackendWasm, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
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
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import type { Backend } from "./settings.js";

/** Makes `name` the backend of this process or page; `folder` is the address of the files of the wasm backend, with a separator at its end. */
export async function startBackend(name: Backend, folder: string): Promise<void> {
  if (name === "wasm") {
    setWasmPaths(folder);
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
  const kernelFunc: KernelFunc = ({ inputs, attrs, backend: anyBackend }) => {
    const backend = anyBackend as BackendWasm;
    const { a, b } = inputs as BatchMatMulInputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = attrs as { transposeA?: boolean; transposeB?: boolean };
    const temporary: TensorInfo[] = [];
    const keep = (y: TensorInfo): TensorInfo => {
      temporary.push(y);
      return y;
    };
    const turn = (x: TensorInfo): TensorInfo =>
      isMatrix(x) ? transposeMatrix(x, backend) : (transpose({ inputs: { x }, attrs: { perm: swapped(x) }, backend }) as TensorInfo);
    const product = (left: TensorInfo, right: TensorInfo) =>
      multiply({ inputs: { a: left, b: right }, attrs: { transposeA: false, transposeB: false }, backend }) as TensorInfo;
    // The right factor is transposed and then packed by XNNPACK. In gradients to inputs it is the weights, and the left one is smaller: a Bᵀ is the
    // transpose of B aᵀ.
    const mirrored = !transposeA && transposeB && isMatrix(a) && isMatrix(b) && sizeOf(a) < sizeOf(b);
    const result = mirrored
      ? turn(keep(product(b, keep(turn(a)))))
      : product(transposeA ? keep(turn(a)) : a, transposeB ? keep(turn(b)) : b);
    for (const { dataId } of temporary) backend.disposeData(dataId);
    return result;
  };
  unregisterKernel("BatchMatMul", "wasm");
  registerKernel({ ...config, kernelFunc });
}

function swapped({ shape }: TensorInfo): number[] {
  return [...shape.keys()].with(-1, shape.length - 2).with(-2, shape.length - 1);
}

function sizeOf({ shape }: TensorInfo): number {
  return shape.reduce((a, b) => a * b, 1);
}

// Multiplication sees a matrix as a batch of one.
function isMatrix({ shape, dtype }: TensorInfo): boolean {
  return dtype === "float32" && shape.slice(0, -2).every((size) => size === 1);
}

// Rows and columns of a tile: a cache line of f32.
const TILE = 16;

// By tiles, so that what is read and what is written stay in the cache; the backend's kernel goes row by row.
function transposeMatrix(x: TensorInfo, backend: BackendWasm): TensorInfo {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const y = backend.makeOutput([...x.shape.slice(0, -2), columns, rows], "float32");
  const [from, to] = [backend.typedArrayFromHeap(x), backend.typedArrayFromHeap(y)];
  for (let top = 0; top < rows; top += TILE) {
    const bottom = Math.min(top + TILE, rows);
    for (let left = 0; left < columns; left += TILE) {
      const right = Math.min(left + TILE, columns);
      for (let i = top; i < bottom; ++i) {
        for (let j = left; j < right; ++j) to[j * rows + i] = from[i * columns + j] as number;
      }
    }
  }
  return y;
}

function kernelOf(name: string): KernelConfig {
  const kernel = getKernel(name, "wasm");
  if (kernel === undefined) throw new Error(`tfjs-backend-wasm has no kernel ${name}`);
  return kernel;
}

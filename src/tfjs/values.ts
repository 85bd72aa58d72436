// The numbers of tensors, read and written where backends keep them.
// Invariant: a view of a backend's heap is taken after all that may make the heap grow, and not kept.

import { backend, engine, reshape, type Tensor, type TensorInfo, tensor } from "@tensorflow/tfjs-core";
import { makeArray } from "../engine/operand.js";
import { currentHeap, type Values } from "./heap.js";
import { kernels, type TfjsKernels } from "./kernels.js";

/**
 * Returns a new f32 tensor of the shape of `x`, into whose elements `run` writes what it makes of those of `x`, by the kernels that it is given. Nothing is
 * copied on backends "cpu" and "wasm"; others that compute on the CPU are read. If `run` throws, the tensor is left to the enclosing scope.
 */
export function mapValues(x: Tensor, run: (values: Values, out: Values, kernels: TfjsKernels) => void): Tensor {
  const heap = currentHeap();
  if (heap !== undefined) {
    const info = heap.make(x.shape);
    const y = engine().makeTensorFromTensorInfo(info, backend());
    run(heap.has(x) ? heap.values(x) : constantly(x.dataSync<"float32">()), heap.values(info), heap.kernels ?? kernels());
    return y;
  }
  const values = x.dataSync<"float32">();
  const out = makeArray("f32", values.length, "x");
  run(constantly(values), constantly(out), kernels());
  return tensor(out, x.shape, "float32");
}

/** Returns the view of values that no growth detaches. */
export function constantly(values: Float32Array): Values {
  return () => values;
}

/** Returns a tensor of the shape of `x` of what `run`, a program of the current backend, makes of its elements as a vector. */
export function ofBackend(x: Tensor, run: (flat: TensorInfo) => TensorInfo): Tensor {
  const flat = reshape(x, [x.size]);
  return reshape(engine().makeTensorFromTensorInfo(run(flat), backend()), x.shape);
}

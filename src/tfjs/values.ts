// The numbers of tensors, read and written where backends keep them.
// Invariant: a view of a backend's heap is taken after all that may make the heap grow, and not kept.

import { backend, type DataType, engine, type KernelBackend, reshape, type Tensor, type TensorInfo, tensor } from "@tensorflow/tfjs-core";
import { makeArray } from "../engine/operand.js";

/** The part that is used of tfjs's wasm backend, whose tensors lie in a heap of its own. */
interface HeapBackend extends KernelBackend {
  readonly dataIdMap: { has(dataId: object): boolean };
  /** Makes room for a tensor and leaves its content to chance. */
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Float32Array;
}

function isHeapBackend(candidate: KernelBackend): candidate is HeapBackend {
  return "typedArrayFromHeap" in candidate && "dataIdMap" in candidate;
}

/**
 * Returns a new f32 tensor of the shape of `x`, into whose elements `run` writes what it makes of those of `x`. Nothing is copied on backends "cpu" and
 * "wasm"; others that compute on the CPU are read. If `run` throws, the tensor is left to the enclosing scope.
 */
export function mapValues(x: Tensor, run: (values: Float32Array, out: Float32Array) => void): Tensor {
  const current: KernelBackend = backend();
  if (isHeapBackend(current)) {
    const info = current.makeOutput(x.shape, "float32");
    const y = engine().makeTensorFromTensorInfo(info, current);
    const values = current.dataIdMap.has(x.dataId) ? current.typedArrayFromHeap(x) : x.dataSync<"float32">();
    run(values, current.typedArrayFromHeap(info));
    return y;
  }
  const values = x.dataSync<"float32">();
  const out = makeArray("f32", values.length, "x");
  run(values, out);
  return tensor(out, x.shape, "float32");
}

/** Returns a tensor of the shape of `x` of what `run`, a program of the current backend, makes of its elements as a vector. */
export function ofBackend(x: Tensor, run: (flat: TensorInfo) => TensorInfo): Tensor {
  const flat = reshape(x, [x.size]);
  return reshape(engine().makeTensorFromTensorInfo(run(flat), backend()), x.shape);
}

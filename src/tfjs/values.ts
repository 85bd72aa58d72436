// The numbers of tensors, read and written where backends keep them.
// Invariant: a view of a backend's heap is taken after all that may make the heap grow, and not kept.

import { backend, engine, reshape, type Tensor, type TensorInfo, tensor } from "@tensorflow/tfjs-core";
import { makeArray } from "../engine/operand.js";
import type { Extended, Extensions } from "./extensions.js";
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

/** The values of tensors in the order of these, of which there are up to six. */
export type Some = readonly [Float32Array, Float32Array, Float32Array, Float32Array, Float32Array, Float32Array];

/**
 * Returns new f32 tensors of `shapes`, which `run` writes from the values of `inputs` by the extensions that it is given. Nothing is copied on backends "cpu"
 * and "wasm", on the latter where the extensions were made over its memory. If `run` throws, the tensors are left to the enclosing scope.
 */
export function computeValues(
  extensions: Extensions,
  inputs: readonly Tensor[],
  shapes: readonly (readonly number[])[],
  run: (inputs: Some, outputs: Some, extended: Extended) => void,
): Tensor[] {
  const own = () => extensions.over(kernels().core) as Extended;
  const heap = currentHeap();
  if (heap === undefined) {
    const values = inputs.map((x) => x.dataSync<"float32">());
    const outputs = shapes.map((shape) =>
      makeArray(
        "f32",
        shape.reduce((product, size) => product * size, 1),
        "x",
      ),
    );
    run(values as never, outputs as never, own());
    return outputs.map((values, k) => tensor(values, [...(shapes[k] as readonly number[])], "float32"));
  }
  const infos = shapes.map((shape) => heap.make(shape));
  const made = infos.map((info) => engine().makeTensorFromTensorInfo(info, backend()));
  const values = inputs.map((x) => (heap.has(x) ? heap.values(x) : constantly(x.dataSync<"float32">())));
  const outputs = infos.map((info) => heap.values(info));
  const extended = heap.kernels === undefined ? undefined : extensions.over(heap.kernels.core);
  run(values.map((view) => view()) as never, outputs.map((view) => view()) as never, extended ?? own());
  return made;
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

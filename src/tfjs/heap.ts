// tfjs's wasm backend, whose tensors lie in a memory of its own: kernels over that memory read and write them where they lie.
// Invariant: the backend is known by its members, so that its package is no dependency. Where one of them is not as expected, its tensors are copied
// through the kernels' own memory, with the same bits.

import { backend, type DataType, type KernelBackend, type TensorInfo } from "@tensorflow/tfjs-core";
import { Dropout } from "../core/dropout.js";
import { isShared } from "../engine/host.js";
import { wrongValue } from "../ground/check.js";
import { hasBackend } from "./gpu.js";
import { loadModules, type Modules, makeKernels, modules, type TfjsKernels } from "./kernels.js";

/** The part that is used of tfjs's wasm backend. */
interface HeapBackend extends KernelBackend {
  readonly dataIdMap: { has(dataId: object): boolean; get(dataId: object): { readonly memoryOffset?: unknown } };
  /** Makes room for a tensor, uninitialised. */
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Float32Array;
  /** The object that Emscripten makes of the backend's program: its memory is in `asm`, and in `wasmMemory` of the program with threads. */
  readonly wasm?: {
    readonly asm?: { readonly memory?: unknown };
    readonly wasmMemory?: unknown;
    readonly HEAPU8?: { readonly buffer: unknown };
    readonly _malloc?: unknown;
    readonly _free?: unknown;
  };
}

/** Takes a view of a tensor's values, anew each time: what may make the memory grow detaches the last one. */
export type Values = () => Float32Array;

/** Tensors of a backend with a memory of its own. */
export interface Heap {
  /** The kernels over the memory, or over their own where that cannot be. */
  readonly kernels: TfjsKernels | undefined;
  /** Returns whether the backend holds a tensor. */
  has(tensor: TensorInfo): boolean;
  /** Makes a tensor of f32, uninitialised; throws RangeError if there is no room. */
  make(shape: readonly number[]): TensorInfo;
  /** Returns the values of a tensor of f32. */
  values(tensor: TensorInfo): Values;
}

/** Returns the current backend's tensors, if it is one with a memory of its own. */
export function currentHeap(): Heap | undefined {
  const current: KernelBackend = backend();
  if (!("typedArrayFromHeap" in current && "dataIdMap" in current)) return undefined;
  const holder = current as HeapBackend;
  const { memory, kernels } = madeFor(holder) ?? {};
  return {
    kernels,
    has: ({ dataId }) => holder.dataIdMap.has(dataId),
    make(shape) {
      const made = holder.makeOutput(shape, "float32");
      // tfjs does not look at what malloc returns.
      if (holder.dataIdMap.get(made.dataId).memoryOffset === 0) {
        holder.disposeData(made.dataId);
        throw wrongValue("x", "tensor for whose result the backend has room", `shape [${shape.join(", ")}]`);
      }
      return made;
    },
    values(tensor) {
      const { memoryOffset: at } = holder.dataIdMap.get(tensor.dataId);
      // In a memory of threads, tfjs's own views lie behind when another thread has made it grow.
      if (kernels === undefined || memory === undefined || typeof at !== "number") return () => holder.typedArrayFromHeap(tensor);
      const size = tensor.shape.reduce((product, length) => product * length, 1);
      return () => new Float32Array(memory.buffer, at, size);
    },
  };
}

/** The kernels over the memory of a backend's program; undefined for one that they cannot be made for. */
interface Made {
  readonly memory: WebAssembly.Memory;
  readonly kernels: TfjsKernels | undefined;
}

const made = new WeakMap<KernelBackend, Made>();

function madeFor(holder: HeapBackend): Made | undefined {
  const memory = memoryOf(holder);
  if (memory === undefined) return undefined;
  const known = made.get(holder);
  if (known?.memory === memory) return known;
  // Views of another memory would only be copied, but blocks of its malloc written to.
  if (memory.buffer !== holder.wasm?.HEAPU8?.buffer) return undefined;
  const shared = isShared(memory);
  const compiled = modules(shared);
  if (compiled === undefined) {
    // Until they are there, tensors are copied. Whoever wants to know of a failure calls ready().
    loadModules(shared).catch(() => {});
    return undefined;
  }
  const result = { memory, kernels: tryMaking(holder, memory, compiled) };
  made.set(holder, result);
  return result;
}

/** Makes the kernels over a backend's memory; returns undefined if that has no room, or is another memory than it seemed to be. */
function tryMaking(holder: HeapBackend, memory: WebAssembly.Memory, compiled: Modules): TfjsKernels | undefined {
  const { wasm } = holder as { wasm: { _malloc(bytes: number): number; _free(pointer: number): void } };
  const host = { memory, malloc: (bytes: number) => wasm._malloc(bytes), free: (pointer: number) => wasm._free(pointer) };
  let core: Dropout | undefined;
  try {
    // A seed is named, as none is drawn from: each call has its own.
    core = new Dropout(compiled.core, { seed: 0, host });
    return makeKernels(core, compiled);
  } catch {
    core?.dispose();
    return undefined;
  }
}

/** Returns the memory of a backend's program, if it shows that, its malloc and its free. */
function memoryOf({ wasm }: HeapBackend): WebAssembly.Memory | undefined {
  if (typeof wasm?._malloc !== "function" || typeof wasm._free !== "function") return undefined;
  const memory = wasm.wasmMemory ?? wasm.asm?.memory;
  return memory instanceof WebAssembly.Memory ? memory : undefined;
}

/** Resolves once the kernels for the memory of the current backend are there, if it has one. */
export async function readyHeap(): Promise<void> {
  if (!hasBackend()) return;
  const current: KernelBackend = backend();
  const memory = "dataIdMap" in current ? memoryOf(current as HeapBackend) : undefined;
  if (memory !== undefined) await loadModules(isShared(memory));
}

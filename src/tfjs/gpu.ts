// Selection on GPUs: a bit mask is drawn on the CPU, uploaded, and read by a program of the backend that holds the tensor, which stays where it is.
// Invariant: backends are known by their methods, so that none of their packages is a dependency, and nothing is read back but by a self-check.

import { backend, type DataType, engine, env, type KernelBackend, type Tensor, type TensorInfo } from "@tensorflow/tfjs-core";
import { wrongKind } from "../ground/check.js";
import { PHILOX_WGSL } from "./philox-wgsl.js";

/** A run of dimensions whose elements all have, or all share, decisions: `stride` is 0 where they share them. */
export interface Run {
  readonly size: number;
  readonly stride: number;
}

/** The decisions of a tensor: little-endian words of bits, 1 = keep, and the place of each element's bit. */
export interface Decisions {
  readonly words: Uint32Array;
  /** The last dimensions first. */
  readonly runs: readonly Run[];
}

/** Computes keep ? x operation value : dropped. */
export interface Selection {
  readonly operation: "*" | "+";
  readonly value: number;
  readonly dropped: number;
}

/** A stream of kind "philox", from its first element. */
export interface PhiloxDraw {
  readonly seed: bigint;
  readonly stream: bigint;
  /** An element is dropped where its random integer is below this: an integer below 2^32. */
  readonly threshold: number;
}

/** Programs of a backend over flat tensors. */
export interface Device {
  readonly backend: KernelBackend;
  /** true if the backend gives right values to who reads synchronously. */
  readonly synchronous: boolean;
  select(x: TensorInfo, decisions: Decisions, selection: Selection): TensorInfo;
  /** As select(), by decisions that the device draws itself; x has a multiple of 4 elements. Only devices whose programs can draw have it. */
  generate?(x: TensorInfo, draw: PhiloxDraw, selection: Selection): TensorInfo;
}

/** The part of tfjs's webgl backend that is used. */
interface WebGlBackend extends KernelBackend {
  runWebGLProgram(program: object, inputs: TensorInfo[], dtype: DataType, uniforms: number[][]): TensorInfo;
}

/** The part of tfjs's webgpu backend that is used. */
interface WebGpuBackend extends KernelBackend {
  runWebGPUProgram(program: object, inputs: TensorInfo[], dtype: DataType, uniforms: object[]): TensorInfo;
  readonly tensorMap?: { get(dataId: object): { values?: unknown } | undefined };
}

const isWebGl = (candidate: KernelBackend): candidate is WebGlBackend => "runWebGLProgram" in candidate;
const isWebGpu = (candidate: KernelBackend): candidate is WebGpuBackend => "runWebGPUProgram" in candidate;

/** Returns whether a backend has been started: to ask for the current one starts the best. */
export function hasBackend(): boolean {
  const { backendInstance } = engine() as unknown as { backendInstance?: unknown };
  return backendInstance !== undefined && backendInstance !== null;
}

/** Returns the device of the current backend; undefined if that computes on the CPU. */
export function currentDevice(): Device | undefined {
  const current: KernelBackend = backend();
  if (isWebGl(current)) return webGl(current);
  return isWebGpu(current) ? webGpu(current) : undefined;
}

/**
 * Throws TypeError if the values of `x` are in the memory of a GPU that cannot be read synchronously, and are needed elsewhere: tfjs would give zeros.
 */
export function checkReadable(x: Tensor): void {
  const { tensorInfo } = engine().state as { tensorInfo?: { get(dataId: object): { backend: KernelBackend } | undefined } };
  const holder = tensorInfo?.get(x.dataId)?.backend;
  if (holder === undefined || holder === backend() || !isWebGpu(holder)) return;
  if (holder.tensorMap?.get(x.dataId)?.values) return;
  throw wrongKind("x", "tensor of the current backend, or one that can be read synchronously (await x.data() first)", "tensor on webgpu");
}

/** Returns an expression of the bit of element `index`, in C-like languages without remainders. */
function placeOf(runs: readonly Run[], declare: (name: string, value: string) => string): { code: string; bit: string } {
  if (runs.length === 1) return { code: "", bit: (runs[0] as Run).stride === 1 ? "index" : "0" };
  let code = "";
  let rest = "index";
  const terms: string[] = [];
  runs.forEach(({ size, stride }, k) => {
    let coordinate = rest;
    if (k < runs.length - 1) {
      code += declare(`q${k}`, `${rest} / ${size}`);
      coordinate = `(${rest} - q${k} * ${size})`;
      rest = `q${k}`;
    }
    if (stride > 0) terms.push(`${coordinate} * ${stride}`);
  });
  return { code, bit: terms.length === 0 ? "0" : terms.join(" + ") };
}

// Texels hold floats: integers of 16 bits are exact in f32, those of 8 bits in the f16 of devices without float textures.
function webGl(current: WebGlBackend): Device {
  if (env().getNumber("WEBGL_VERSION") !== 2) {
    throw wrongKind("backend", '"webgl" with WebGL 2, whose shaders have integers, or "cpu" or "wasm"', "WebGL 1");
  }
  return {
    backend: current,
    synchronous: true,
    select(x, { words, runs }, { operation, value, dropped }) {
      const bits = env().getBool("WEBGL_RENDER_FLOAT32_ENABLED") ? 16 : 8;
      const texels = Float32Array.from(bits === 16 ? new Uint16Array(words.buffer) : new Uint8Array(words.buffer));
      const { code, bit } = placeOf(runs, (name, quotient) => `int ${name} = ${quotient};\n`);
      const program = {
        variableNames: ["X", "Words"],
        outputShape: x.shape,
        customUniforms: [
          { name: "value", type: "float" },
          { name: "dropped", type: "float" },
        ],
        userCode: `
          void main() {
            int index = getOutputCoords();
            ${code}
            int bit = ${bit};
            int at = bit / ${bits};
            int word = int(getWords(at) + 0.5);
            bool keep = ((word >> (bit - at * ${bits})) & 1) == 1;
            if (keep) setOutput(getX(index) ${operation} value);
            else setOutput(dropped);
          }`,
      };
      return upload(current, texels, "float32", (mask) => current.runWebGLProgram(program, [x, mask], "float32", [[value], [dropped]]));
    },
  };
}

const WORKGROUP = 64;
// Elements, or vectors of four, of a thread: as many as a workgroup has threads apart, so that those of a workgroup read neighbours at once.
const EACH = 16;

function webGpu(current: WebGpuBackend): Device {
  return {
    backend: current,
    synchronous: false,
    select(x, { words, runs }, { operation, value, dropped }) {
      const [size] = x.shape as [number];
      // Elements with decisions of their own are selected four at a time.
      const four = runs.length === 1 && runs[0]?.stride === 1 && size % 4 === 0;
      const { code, bit } = placeOf(runs, (name, quotient) => `let ${name} = ${quotient};\n`);
      const steps = four ? size / 4 : size;
      const keep = four
        ? `let bits = u32(words[index / 8] >> u32(4 * (index % 8)));
              let keep = ((vec4<u32>(bits) >> vec4<u32>(0u, 1u, 2u, 3u)) & vec4<u32>(1u)) == vec4<u32>(1u);
              let dropped = vec4<f32>(uniforms.dropped);`
        : `${code}
              let bit = u32(${bit});
              let keep = ((words[bit >> 5u] >> (bit & 31u)) & 1) == 1;
              let dropped = uniforms.dropped;`;
      const program = {
        variableNames: ["x", "words"],
        variableComponents: [four ? 4 : 1, 1],
        outputComponent: four ? 4 : 1,
        uniforms: "value : f32, dropped : f32, count : i32,",
        outputShape: x.shape,
        dispatchLayout: { x: [0] },
        dispatch: [Math.ceil(steps / (WORKGROUP * EACH)), 1, 1],
        workgroupSize: [WORKGROUP, 1, 1],
        shaderKey: `wasm-dropout ${operation} ${four ? "vectors" : JSON.stringify(runs)}`,
        getUserCode: () => `
          fn main(thread : i32) {
            let first = thread / ${WORKGROUP} * ${WORKGROUP * EACH} + thread % ${WORKGROUP};
            let end = min(first + ${WORKGROUP * EACH}, uniforms.count);
            for (var index = first; index < end; index += ${WORKGROUP}) {
              ${keep}
              result[index] = select(dropped, x[index] ${operation} uniforms.value, keep);
            }
          }`,
      };
      const uniforms = [...[value, dropped].map((data) => ({ type: "float32", data: [data] })), { type: "int32", data: [steps] }];
      return upload(current, new Int32Array(words.buffer), "int32", (mask) =>
        current.runWebGPUProgram(program, [x, mask], "float32", uniforms),
      );
    },
    generate(x, { seed, stream, threshold }, { operation, value, dropped }) {
      const [size] = x.shape as [number];
      const blocks = size / 4;
      const program = {
        variableNames: ["x"],
        variableComponents: [4],
        outputComponent: 4,
        uniforms: "seed : vec2<u32>, stream : vec2<u32>, threshold : u32, value : f32, dropped : f32, blocks : u32,",
        outputShape: x.shape,
        dispatchLayout: { x: [0] },
        dispatch: [Math.ceil(blocks / WORKGROUP), 1, 1],
        workgroupSize: [WORKGROUP, 1, 1],
        shaderKey: `wasm-dropout philox ${operation}`,
        getUserCode: () => `
          ${PHILOX_WGSL}
          fn main(thread : i32) {
            let block = u32(thread);
            if (block >= uniforms.blocks) {
              return;
            }
            let words = philox(vec4u(uniforms.stream, 4u * block, 0u), uniforms.seed, 10u);
            let keep = words >= vec4u(uniforms.threshold);
            result[block] = select(vec4f(uniforms.dropped), x[block] ${operation} uniforms.value, keep);
          }`,
      };
      const words = (integer: bigint) => ({ type: "uint32", data: [Number(integer & 0xffffffffn), Number(integer >> 32n)] });
      const numbers = [value, dropped].map((data) => ({ type: "float32", data: [data] }));
      const uniforms = [words(seed), words(stream), { type: "uint32", data: [threshold] }, ...numbers, { type: "uint32", data: [blocks] }];
      return current.runWebGPUProgram(program, [x], "float32", uniforms);
    },
  };
}

/** Runs `use` with a vector of `values`, of which nothing is left behind. */
function upload(
  current: KernelBackend,
  values: Float32Array | Int32Array,
  dtype: DataType,
  use: (vector: TensorInfo) => TensorInfo,
): TensorInfo {
  const shape = [values.length];
  const dataId = current.write(values, shape, dtype);
  try {
    return use({ dataId, shape, dtype });
  } finally {
    current.disposeData(dataId);
  }
}

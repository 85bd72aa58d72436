// GPUs that compute wrongly, and tensors on GPUs that cannot be read: refused by name, never used. The backends here are the CPU's with a program runner
// of a GPU's, so that every fault can be made.

import { MathBackendCPU } from "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, it } from "vitest";
import { createTfjsDropout } from "../../src/tfjs/index.js";
import { leftBy, useBackend } from "./setup.js";

type Fault = "zeros" | "multiplies" | "throws" | "shifted";
let made = 0;

/** Returns a program runner with a fault: a selection by the bits of the words, for programs in which each element has its own. */
function runner(backend: MathBackendCPU, fault: Fault, bits: number) {
  return (program: { outputShape: number[] }, [x, words]: tf.TensorInfo[], dtype: tf.DataType, uniforms: unknown[]): tf.TensorInfo => {
    if (fault === "throws") throw new Error("no such extension");
    const [value, dropped] = uniforms.map((uniform) => (uniform as { data?: number[] }).data?.[0] ?? (uniform as number[])[0]) as [
      number,
      number,
    ];
    const values = backend.readSync((x as tf.TensorInfo).dataId) as Float32Array;
    const masks = backend.readSync((words as tf.TensorInfo).dataId) as Float32Array;
    const y = values.map((v, i) => {
      const at = fault === "shifted" ? i + 1 : i;
      const keep = ((masks[Math.floor(at / bits)] as number) >> (at % bits)) & 1;
      return fault === "zeros" ? 0 : fault === "multiplies" ? v * value * keep : keep ? v * value : dropped;
    });
    return { dataId: backend.write(y, program.outputShape, dtype), shape: program.outputShape, dtype };
  };
}

/** Registers a backend with a fault and makes it the current one. */
async function useFaulty(kind: "webgl" | "webgpu", fault: Fault): Promise<void> {
  const name = `faulty-${kind}-${++made}`;
  tf.registerBackend(name, () => {
    const backend = new MathBackendCPU();
    const method = kind === "webgl" ? "runWebGLProgram" : "runWebGPUProgram";
    return Object.assign(backend, { [method]: runner(backend, fault, kind === "webgl" ? 16 : 32) });
  });
  tf.copyRegisteredKernels("cpu", name);
  await useBackend(name);
}

// Flags of tfjs-backend-webgl, which is not loaded here.
let version = 2;
tf.env().registerFlag("WEBGL_VERSION", () => version);
tf.env().registerFlag("WEBGL_RENDER_FLOAT32_ENABLED", () => true);

afterEach(() => useBackend("cpu"));

const MESSAGE = "The GPU of this backend computes dropout wrongly, and is refused";

describe.each(["zeros", "multiplies", "throws", "shifted"] as const)("a GPU whose program is wrong: %s", (fault) => {
  it("is refused at once on webgl", async () => {
    const wd = await createTfjsDropout({ seed: 42 });
    await useFaulty("webgl", fault);
    const x = tf.ones([100]);
    const state = wd.state;
    for (const run of [() => wd.dropout(x, 0.5), () => wd.alphaDropout(x, 0.5), () => wd.gaussianNoise(x, 0.5)]) {
      expect(leftBy(() => expect(run).toThrow(MESSAGE))).toBe(0);
    }
    expect(() => wd.layers.dropout({ rate: 0.5 }).apply(x, { training: true })).toThrow(MESSAGE);
    expect(wd.state.nextStream).toBe(state.nextStream);
    await expect(createTfjsDropout()).rejects.toThrow(MESSAGE);
    x.dispose();
  });

  it("is refused on webgpu from ready() on", async () => {
    const wd = await createTfjsDropout({ seed: 42 });
    await useFaulty("webgpu", fault);
    await expect(wd.ready()).rejects.toThrow(MESSAGE);
    const x = tf.ones([100]);
    expect(leftBy(() => expect(() => wd.dropout(x, 0.5)).toThrow(MESSAGE))).toBe(0);
    expect(wd.state.nextStream).toBe("0");
    await useBackend("cpu");
    await wd.ready();
    wd.dropout(tf.ones([100]), 0.5).dispose();
    x.dispose();
  });
});

it("WebGL 1 is refused by name", async () => {
  const wd = await createTfjsDropout({ seed: 42 });
  await useFaulty("webgl", "zeros");
  version = 1;
  tf.env().reset();
  try {
    expect(() => wd.dropout(tf.ones([4]), 0.5)).toThrow('"backend" expected "webgl" with WebGL 2');
  } finally {
    version = 2;
    tf.env().reset();
  }
});

it("a tensor on webgpu is refused while another backend is current, unless its values are known", async () => {
  const wd = await createTfjsDropout({ seed: 42 });
  await useFaulty("webgpu", "zeros");
  const x = tf.ones([4]);
  // Of tfjs-backend-webgpu: the values of tensors that have a copy on the CPU.
  const tensorMap = new Map<object, { values?: unknown }>();
  Object.assign(tf.backend(), { tensorMap });
  await useBackend("cpu");
  for (const run of [
    () => wd.dropout(x, 0.5),
    () => wd.alphaDropout(x, 0.5),
    () => wd.gaussianDropout(x, 0.5),
    () => wd.gaussianNoise(x, 0.5),
  ]) {
    expect(run).toThrow('"x" expected tensor of the current backend, or one that can be read synchronously');
  }
  expect(wd.state.nextStream).toBe("0");
  tensorMap.set(x.dataId, { values: new Float32Array(4) });
  wd.dropout(x, 0.5).dispose();
  expect(wd.state.nextStream).toBe("1");
});

// The part of the benchmark that runs in a page: dropout on the backends of GPUs, beside tf.dropout.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-webgl";
import "@tensorflow/tfjs-backend-webgpu";
import { createTfjsDropout } from "../../src/tfjs/index.js";

/** Times in milliseconds, round by round. */
export interface PageTimes {
  /** The device that computes: software, where there is no GPU. */
  readonly device: string;
  readonly tfjs: readonly number[];
  readonly ours: readonly number[];
}

const WARM_UP = 2;

/** Times dropout of `size` elements on a backend, one call of each subject a round; null where the backend does not start. */
async function measureGpu(backend: string, size: number, rounds: number, p: number): Promise<PageTimes | null> {
  if (!(await tf.setBackend(backend))) return null;
  await tf.ready();
  const wd = await createTfjsDropout({ seed: 1 });
  const x = tf.tidy(() => tf.mul(tf.ones([size]), tf.scalar(1)));
  // The element that is read is ready when all of them are.
  const time = async (run: () => tf.Tensor): Promise<number> => {
    const start = performance.now();
    const last = tf.tidy(() => tf.slice(tf.reshape(run(), [size]), [size - 1], [1]));
    await last.data();
    last.dispose();
    return performance.now() - start;
  };
  const subjects = { tfjs: () => tf.dropout(x, p), ours: () => wd.dropout(x, p) };
  const times = { tfjs: [] as number[], ours: [] as number[] };
  for (let round = -WARM_UP; round < rounds; ++round) {
    for (const name of ["tfjs", "ours"] as const) {
      const taken = await time(subjects[name]);
      if (round >= 0) times[name].push(taken);
    }
  }
  x.dispose();
  return { device: await deviceOf(backend), ...times };
}

async function deviceOf(backend: string): Promise<string> {
  if (backend === "webgpu") {
    const gpu = (navigator as { gpu?: { requestAdapter(): Promise<{ info?: { description?: string; vendor?: string } } | null> } }).gpu;
    const { description, vendor } = (await gpu?.requestAdapter())?.info ?? {};
    return description || vendor || "unknown";
  }
  const context = document.createElement("canvas").getContext("webgl2");
  const names = context?.getExtension("WEBGL_debug_renderer_info");
  return names ? String(context?.getParameter(names.UNMASKED_RENDERER_WEBGL)) : "unknown";
}

Object.assign(globalThis, { measureGpu });

// The program that runs in an isolated page of threads.test.ts: tfjs's wasm backend with threads, whose memory is shared, and an instance over a shared memory.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-layers";
import { createDropout, Dropout } from "../../src/core/index.js";
import { createTfjsDropout } from "../../src/tfjs/index.js";

/** The results of the page. */
export interface ThreadsResult {
  readonly isolated: boolean;
  /** Values by backend and case. */
  readonly values: Record<string, Record<string, number[]>>;
  /** Calls of dropout on tensors in the shared memory of the backend, and all on it. */
  readonly inPlace: readonly [number, number];
  readonly tensorsLeft: number;
  /** A mask of an instance over a shared memory, and of one of its own. */
  readonly masks: readonly [number[], number[]];
}

type Operation = (x: tf.Tensor) => tf.Tensor;

function take(tensor: tf.Tensor): number[] {
  const values = [...tensor.dataSync()];
  tensor.dispose();
  return values;
}

async function run(): Promise<ThreadsResult> {
  setWasmPaths("./");
  const values: ThreadsResult["values"] = {};
  let [inside, calls, tensorsLeft] = [0, 0, 0];
  const { dropout } = Dropout.prototype;
  Dropout.prototype.dropout = function (this: Dropout, ...args: Parameters<typeof dropout>) {
    if (tf.getBackend() === "wasm") {
      ++calls;
      const { buffer } = (args[2] as { out: Float32Array<ArrayBufferLike> }).out;
      if (buffer instanceof SharedArrayBuffer && this.memory.buffer === (buffer as ArrayBufferLike)) ++inside;
    }
    return dropout.apply(this, args);
  } as typeof dropout;
  for (const backend of ["cpu", "wasm"]) {
    if (!(await tf.setBackend(backend))) throw new Error(`${backend} did not start`);
    const wd = await createTfjsDropout({ seed: 42 });
    const { numTensors } = tf.memory();
    const made: Record<string, number[]> = {};
    for (const size of [1000, 20_000]) {
      const x = tf.tidy(() => tf.reshape(tf.range(1, size + 1), [size / 10, 10]));
      const cases: Record<string, Operation> = {
        dropout: (z) => wd.dropout(z, 0.25),
        noise: (z) => wd.dropout(z, 0.25, [null, 1]),
        alpha: (z) => wd.alphaDropout(z, 0.25),
        gaussian: (z) => wd.gaussianDropout(z, 0.25),
        gaussianNoise: (z) => wd.gaussianNoise(z, 0.25),
      };
      for (const [name, operation] of Object.entries(cases)) {
        made[`${name} ${size}`] = take(operation(x)).slice(-500);
        made[`d ${name} ${size}`] = take(tf.grad(operation)(x, x)).slice(-500);
      }
      // tfjs makes its memory grow.
      tf.dispose([x, tf.ones([2 ** 24])]);
    }
    tensorsLeft += tf.memory().numTensors - numTensors;
    values[backend] = made;
  }
  Dropout.prototype.dropout = dropout;
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 64, shared: true } as WebAssembly.MemoryDescriptor);
  const hosted = await createDropout({ seed: 7, host: { memory, region: { start: 4096, bytes: 2 ** 19 } } });
  const out = hosted.view("bits", 2 ** 19 + 2 ** 17, 4000);
  memory.grow(4);
  hosted.mask(4000, 0.3, { out });
  const plain = (await createDropout({ seed: 7 })).mask(4000, 0.3);
  return {
    isolated: crossOriginIsolated,
    values,
    inPlace: [inside, calls],
    tensorsLeft,
    masks: [[...out.array], [...plain]],
  };
}

Object.assign(globalThis, { run });

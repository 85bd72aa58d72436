// Fused operations on tensors beside the same networks of tfjs's own operations with the same masks: values, gradients, memory, on each backend of Node.

import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createAttention } from "../../src/attention/index.js";
import { createDropout, type Dropout } from "../../src/core/index.js";
import { createFused, Fused } from "../../src/fused/index.js";
import { createTfjsDropout, type TfjsDropout } from "../../src/tfjs/index.js";
import { expectRefusal } from "../support/refusals.js";
import { BACKENDS, leftBy, useBackend } from "./setup.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;
type Tensors = Record<string, tf.Tensor>;

const SEED = 42;
const RATE = 0.25;
const extensions = { createFused, createAttention };
const waves = (shape: number[], pitch: number) =>
  tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(pitch * (i + 1)) * 1.5),
    shape,
  );

let core: Dropout;
beforeAll(async () => {
  core = await createDropout({ seed: SEED });
});

/** 1 / (1 - rate) where stream `stream` keeps, else 0. */
function mask(shape: number[], stream: number, rate = RATE): tf.Tensor {
  const length = shape.reduce((a, b) => a * b, 1);
  const kept = core.mask(length, rate, { stream, format: "f32" }) as Float32Array;
  return tf.tensor(kept, shape);
}

function layerNorm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor | undefined): tf.Tensor {
  const { mean, variance } = tf.moments(x, -1, true);
  const y = tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5))), gamma);
  return beta === undefined ? y : tf.add(y, beta);
}

function rmsNorm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor | undefined): tf.Tensor {
  const y = tf.mul(tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-5))), gamma);
  return beta === undefined ? y : tf.add(y, beta);
}

/** 0 where causal order lets query i of n attend to key j of n, else what softmax makes 0 of. */
const hidden = (n: number) =>
  tf.tensor(
    Float32Array.from({ length: n * n }, (_, i) => (i % n > Math.floor(i / n) ? -1e9 : 0)),
    [n, n],
  );

const ACTIVATED: Record<string, (v: tf.Tensor) => tf.Tensor> = {
  none: (v) => v,
  relu: tf.relu,
  gelu: (v) => tf.mul(v, tf.mul(0.5, tf.add(1, tf.erf(tf.mul(v, Math.SQRT1_2))))),
  geluTanh: (v) => tf.mul(v, tf.mul(0.5, tf.add(1, tf.tanh(tf.mul(Math.sqrt(2 / Math.PI), tf.add(v, tf.mul(0.044715, tf.pow(v, 3)))))))),
  silu: (v) => tf.mul(v, tf.sigmoid(v)),
};

/** Values of f and gradients of a weighted sum of its results with respect to all operands. */
function both(operands: Tensors, f: (operands: Tensors) => tf.Tensor[]): Float32Array[] {
  const names = Object.keys(operands);
  return tf.tidy(() => {
    const values: Float32Array[] = [];
    const weighted = (...given: tf.Tensor[]): tf.Scalar => {
      const results = f(Object.fromEntries(names.map((name, k) => [name, given[k] as tf.Tensor])));
      if (values.length === 0) values.push(...results.map((one) => Float32Array.from(one.dataSync())));
      return tf.addN(results.map((one, k) => tf.sum(tf.mul(one, waves(one.shape, 0.7 + k))))) as tf.Scalar;
    };
    const gradients = tf.grads(weighted)(names.map((name) => operands[name] as tf.Tensor));
    return [...values, ...gradients.map((one) => Float32Array.from(one.dataSync()))];
  });
}

function expectNear(got: Float32Array[], expected: Float32Array[]): void {
  expect(got.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  got.forEach((values, k) => {
    const size = Math.max(...(expected[k] as Float32Array).map(Math.abs));
    values.forEach((value, i) => {
      if (!(Math.abs(value - (expected[k]?.[i] as number)) <= 2e-5 * Math.max(1, size))) {
        throw new Error(`result ${k}, element ${i}: ${value}, expected ${expected[k]?.[i]}`);
      }
    });
  });
}

const X = [3, 5, 24];
const ROW = [24];

/** An operation, and the same of tfjs's. */
interface Case {
  readonly operands: () => Tensors;
  readonly ours: (wd: TfjsDropout, operands: Anything) => tf.Tensor[];
  readonly theirs: (operands: Anything) => tf.Tensor[];
}
const CASES: Record<string, Case> = {
  ...Object.fromEntries(
    Object.keys(ACTIVATED).map((activation): [string, Case] => [
      `bias, ${activation}`,
      {
        operands: () => ({ x: waves(X, 1.3), bias: waves(ROW, 0.4) }),
        ours: (wd, { x, bias }) => [wd.fused.biasActivationDropout(x, RATE, { bias, activation: activation as "none", seed: SEED })],
        theirs: ({ x, bias }) => [tf.mul((ACTIVATED[activation] as (v: tf.Tensor) => tf.Tensor)(tf.add(x, bias)), mask(X, 0))],
      },
    ]),
  ),
  "activation alone": {
    operands: () => ({ x: waves([7], 1.3) }),
    ours: (wd, { x }) => [wd.fused.biasActivationDropout(x, RATE, { activation: "silu", seed: SEED })],
    theirs: ({ x }) => [tf.mul(tf.mul(x, tf.sigmoid(x)), mask([7], 0))],
  },
  "bias and residual": {
    operands: () => ({ x: waves(X, 1.3), bias: waves(ROW, 0.4), residual: waves(X, 0.9) }),
    ours: (wd, { x, ...rest }) => [wd.fused.biasDropoutResidual(x, RATE, { ...rest, seed: SEED })],
    theirs: ({ x, bias, residual }) => [tf.add(tf.mul(tf.add(x, bias), mask(X, 0)), residual)],
  },
  "residual alone": {
    operands: () => ({ x: waves(X, 1.3), residual: waves(X, 0.9) }),
    ours: (wd, { x, residual }) => [wd.fused.biasDropoutResidual(x, RATE, { residual, seed: SEED })],
    theirs: ({ x, residual }) => [tf.add(tf.mul(x, mask(X, 0)), residual)],
  },
  "layer norm with all": {
    operands: () => ({ x: waves(X, 1.3), bias: waves(ROW, 0.4), residual: waves(X, 0.9), gamma: waves(ROW, 0.3), beta: waves(ROW, 2) }),
    ours: (wd, { x, ...rest }) => {
      const { y, h } = wd.fused.dropoutResidualLayerNorm(x, RATE, { ...rest, seed: SEED });
      return [y, h];
    },
    theirs: ({ x, bias, residual, gamma, beta }) => {
      const h = tf.add(tf.mul(tf.add(x, bias), mask(X, 0)), residual);
      return [layerNorm(h, gamma, beta), h];
    },
  },
  "layer norm, y alone": {
    operands: () => ({ x: waves(X, 1.3), gamma: waves(ROW, 0.3) }),
    ours: (wd, { x, gamma }) => [wd.fused.dropoutResidualLayerNorm(x, RATE, { gamma, seed: SEED }).y],
    theirs: ({ x, gamma }) => [layerNorm(tf.mul(x, mask(X, 0)), gamma, undefined)],
  },
  "RMS norm with all": {
    operands: () => ({ x: waves(X, 1.3), bias: waves(ROW, 0.4), residual: waves(X, 0.9), gamma: waves(ROW, 0.3), beta: waves(ROW, 2) }),
    ours: (wd, { x, ...rest }) => {
      const { y, h } = wd.fused.dropoutResidualRMSNorm(x, RATE, { ...rest, seed: SEED });
      return [y, h];
    },
    theirs: ({ x, bias, residual, gamma, beta }) => {
      const h = tf.add(tf.mul(tf.add(x, bias), mask(X, 0)), residual);
      return [rmsNorm(h, gamma, beta), h];
    },
  },
  "RMS norm, y alone": {
    operands: () => ({ x: waves(X, 1.3), gamma: waves(ROW, 0.3) }),
    ours: (wd, { x, gamma }) => [wd.fused.dropoutResidualRMSNorm(x, RATE, { gamma, seed: SEED }).y],
    theirs: ({ x, gamma }) => [rmsNorm(tf.mul(x, mask(X, 0)), gamma, undefined)],
  },
  ...Object.fromEntries(
    (["silu", "gelu", "geluTanh", "relu"] as const).map((activation): [string, Case] => [
      `unit gated by ${activation}`,
      {
        operands: () => ({ x: waves(X, 1.3), value: waves(X, 0.9) }),
        ours: (wd, { x, value }) => [wd.fused.gluDropout(x, RATE, { value, activation, seed: SEED })],
        theirs: ({ x, value }) => [tf.mul(tf.mul((ACTIVATED[activation] as (v: tf.Tensor) => tf.Tensor)(x), value), mask(X, 0))],
      },
    ]),
  ),
  "gated unit of halves": {
    operands: () => ({ x: waves(X, 1.3) }),
    ours: (wd, { x }) => [wd.fused.gluDropout(x, RATE, { seed: SEED })],
    theirs: ({ x }) => {
      const [gate, value] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
      return [tf.mul(tf.mul(tf.mul(gate, tf.sigmoid(gate)), value), mask([3, 5, 12], 0))];
    },
  },
  "gated unit of halves, the gate last": {
    operands: () => ({ x: waves([6], 1.3) }),
    ours: (wd, { x }) => [wd.fused.gluDropout(x, RATE, { gateFirst: false, activation: "gelu", seed: SEED })],
    theirs: ({ x }) => {
      const [value, gate] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
      return [tf.mul(tf.mul((ACTIVATED["gelu"] as (v: tf.Tensor) => tf.Tensor)(gate), value), mask([3], 0))];
    },
  },
  "softmax alone": {
    operands: () => ({ logits: waves(X, 1.3) }),
    ours: (wd, { logits }) => [wd.fused.softmaxDropout(logits, RATE, { seed: SEED })],
    theirs: ({ logits }) => [tf.mul(tf.softmax(logits), mask(X, 0))],
  },
  "causal softmax with a scale": {
    operands: () => ({ logits: waves([2, 4, 9, 9], 1.3) }),
    ours: (wd, { logits }) => [wd.fused.softmaxDropout(logits, RATE, { scale: 0.3, causal: true, seed: SEED })],
    theirs: ({ logits }) => [tf.mul(tf.softmax(tf.add(tf.mul(logits, 0.3), hidden(9))), mask([2, 4, 9, 9], 0))],
  },
  "softmax with a mask that is added": {
    operands: () => ({ logits: waves(X, 1.3) }),
    ours: (wd, { logits }) => [wd.fused.softmaxDropout(logits, RATE, { attentionMask: waves([5, 24], 0.2), seed: SEED })],
    theirs: ({ logits }) => [tf.mul(tf.softmax(tf.add(logits, waves([5, 24], 0.2))), mask(X, 0))],
  },
  "softmax with a mask of keys": {
    operands: () => ({ logits: waves([3, 5], 1.3) }),
    ours: (wd, { logits }) => [
      wd.fused.softmaxDropout(logits, RATE, { attentionMask: tf.tensor([1, 1, 0, 1, 1], [5], "bool"), seed: SEED }),
    ],
    theirs: ({ logits }) => [tf.mul(tf.softmax(tf.add(logits, tf.tensor([0, 0, -1e9, 0, 0]))), mask([3, 5], 0))],
  },
  "causal attention": {
    operands: () => ({ q: waves([2, 4, 9, 8], 1.3), k: waves([2, 4, 9, 8], 0.4), v: waves([2, 4, 9, 6], 0.9) }),
    ours: (wd, { q, k, v }) => [wd.fused.attention(q, k, v, RATE, { causal: true, seed: SEED })],
    theirs: ({ q, k, v }) => {
      const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(8)), hidden(9));
      return [tf.matMul(tf.mul(tf.softmax(scores), mask([2, 4, 9, 9], 0)), v)];
    },
  },
  "attention with a mask": {
    operands: () => ({ q: waves([3, 7, 4], 1.3), k: waves([3, 5, 4], 0.4), v: waves([3, 5, 4], 0.9) }),
    ours: (wd, { q, k, v }) => {
      const attentionMask = tf.tensor([1, 1, 0, 1, 1], [5], "bool");
      return [wd.fused.attention(q, k, v, RATE, { attentionMask, scale: 0.3, seed: SEED })];
    },
    theirs: ({ q, k, v }) => {
      const scores = tf.add(tf.mul(tf.matMul(q, k, false, true), 0.3), tf.tensor([0, 0, -1e9, 0, 0]));
      return [tf.matMul(tf.mul(tf.softmax(scores), mask([3, 7, 5], 0)), v)];
    },
  },
};

describe.each(BACKENDS)("%s", (backend) => {
  beforeEach(() => useBackend(backend));

  it.each(Object.entries(CASES))("%s: results and gradients are those of tfjs's operations", async (_, { operands, ours, theirs }) => {
    const wd = await createTfjsDropout({ seed: 1, extensions });
    const given = operands();
    // As a backend without a kernel of its own would compute them.
    const got = both(given, (all) => ours(wd, all));
    await useBackend("cpu");
    expectNear(got, both(given, theirs));
  });

  it("leaves nothing behind, with a tape and without", async () => {
    const wd = await createTfjsDropout({ seed: 1, extensions });
    for (const { operands, ours } of Object.values(CASES)) {
      const given = operands();
      const run = () => {
        both(given, (all) => ours(wd, all));
        tf.tidy(() => void ours(wd, given));
        tf.dispose(ours(wd, given));
      };
      run();
      // The norm's h, which the case leaves alone, and a mask, are what is left.
      expect(leftBy(() => tf.tidy(run))).toBe(0);
    }
  });

  it("draws the next masks of the sequence, which refusals leave alone", async () => {
    const wd = await createTfjsDropout({ seed: SEED, extensions });
    const x = waves(X, 1);
    const first = wd.fused.biasActivationDropout(x, RATE);
    expect(() => wd.fused.biasActivationDropout(x, RATE, { bias: tf.ones([3]) })).toThrow(RangeError);
    const second = wd.fused.biasDropoutResidual(x, RATE);
    expect(wd.state.nextStream).toBe("2");
    [first, second].forEach((y, stream) => {
      expectNear([y.dataSync() as Float32Array], [tf.mul(x, mask(X, stream)).dataSync() as Float32Array]);
    });
    expect(wd.fused.biasActivationDropout(x, 0).dataSync()).toEqual(x.dataSync());
  });

  it("refuses what it cannot do, by name", async () => {
    const wd = await createTfjsDropout({ seed: SEED, extensions });
    const bare = await createTfjsDropout({ seed: SEED });
    const x = waves(X, 1);
    const refused: [() => unknown, typeof TypeError | typeof RangeError, string][] = [
      [() => bare.fused.biasActivationDropout(x, RATE), TypeError, "createFused"],
      [() => bare.fused.attention(x, x, x, RATE), TypeError, "createAttention"],
      [() => wd.fused.biasActivationDropout(x, 1), RangeError, '"rate"'],
      [() => wd.fused.biasActivationDropout(tf.cast(x, "int32"), RATE), TypeError, '"x.dtype"'],
      [() => wd.fused.biasActivationDropout(x, RATE, { activaton: "relu" } as Anything), TypeError, "activation"],
      [() => wd.fused.biasActivationDropout(x, RATE, { activation: "tanh" } as Anything), RangeError, "activation"],
      [() => wd.fused.biasDropoutResidual(x, RATE, { residual: tf.ones([5, 24]) }), RangeError, '"residual.shape"'],
      [() => wd.fused.dropoutResidualLayerNorm(x, RATE, {} as Anything), TypeError, '"gamma"'],
      [() => wd.fused.dropoutResidualRMSNorm(x, RATE, { gamma: tf.ones([3]) }), RangeError, '"gamma.shape"'],
      [() => wd.fused.dropoutResidualRMSNorm(x, RATE, { gamma: tf.ones([24]), epsilon: -1 }), RangeError, '"epsilon"'],
      [() => bare.fused.gluDropout(x, RATE), TypeError, "createFused"],
      [() => wd.fused.gluDropout(tf.ones([3, 5]), RATE), RangeError, '"x.shape"'],
      [() => wd.fused.gluDropout(tf.scalar(1), RATE), RangeError, '"x.shape"'],
      [() => wd.fused.gluDropout(x, RATE, { value: tf.ones([24]) }), RangeError, '"value.shape"'],
      [() => wd.fused.gluDropout(x, RATE, { activation: "none" } as Anything), RangeError, "activation"],
      [() => wd.fused.gluDropout(x, RATE, { gateFirst: 1 } as Anything), TypeError, "gateFirst"],
      [() => wd.fused.softmaxDropout(tf.cast(x, "int32"), RATE), TypeError, '"logits.dtype"'],
      [() => wd.fused.softmaxDropout(tf.scalar(1), RATE), RangeError, '"logits.shape"'],
      [() => wd.fused.softmaxDropout(tf.ones([3]), RATE, { causal: true }), RangeError, '"logits.shape" expected [..., queries, keys]'],
      [() => wd.fused.softmaxDropout(x, RATE, { attentionMask: tf.ones([7]) }), RangeError, "maskShape"],
      [() => wd.fused.softmaxDropout(x, RATE, { mask: tf.ones([24]) } as Anything), TypeError, "mask"],
      [() => wd.fused.attention(x, tf.ones([3, 5, 8]), x, RATE), RangeError, "kShape"],
    ];
    for (const [act, type, text] of refused) {
      expect(act).toThrow(type);
      expect(act).toThrow(text);
    }
    expect(wd.state.nextStream).toBe("0");
    const twice = tf.grad((v: tf.Tensor) => tf.grad((u: tf.Tensor) => wd.fused.biasActivationDropout(u, RATE, { activation: "silu" }))(v));
    expect(() => twice(x)).toThrow("first order");
    // The backend has changed between the forward call and its gradient.
    const gpu = tf.backend() as Anything;
    const late = (dy: tf.Tensor) => {
      gpu.runWebGPUProgram = () => {};
      return dy;
    };
    try {
      const changed = tf.customGrad((y: Anything) => ({ value: y.clone(), gradFunc: late }));
      expectRefusal(
        () => tf.grad((v: tf.Tensor) => changed(wd.fused.biasActivationDropout(v, RATE, { activation: "silu" })))(x),
        TypeError,
        '"backend" expected "cpu" or "wasm", as in the forward call, whose gradient this is, got string "webgpu"',
      );
    } finally {
      delete gpu.runWebGPUProgram;
    }
    await expect(createTfjsDropout({ extensions: { createFused: 1 } as Anything })).rejects.toThrow('"extensions.createFused"');
    expectRefusal(() => wd.fused.attention(tf.ones([3]), x, x, RATE), RangeError, '"q.shape" expected [..., queries, depth], got [3]');
  });
});

it("gives the same bits on both backends, on wasm in tfjs's own memory", async () => {
  const memories: unknown[] = [];
  const { biasActivationDropout } = Fused.prototype;
  Fused.prototype.biasActivationDropout = function (this: Fused, ...args: Parameters<typeof biasActivationDropout>) {
    const [x, , { out }] = args as unknown as [Float32Array, number, { out: Float32Array }];
    memories.push([x.buffer, out.buffer]);
    return biasActivationDropout.apply(this, args);
  } as typeof biasActivationDropout;
  try {
    const results: Float32Array[][] = [];
    for (const backend of BACKENDS) {
      await useBackend(backend);
      const wd = await createTfjsDropout({ seed: 1, extensions });
      results.push(Object.values(CASES).flatMap(({ operands, ours }) => ours(wd, operands()).map((y) => y.dataSync() as Float32Array)));
    }
    expect(results[1]).toEqual(results[0]);
    const { memory } = (tf.backend() as unknown as { wasm: { asm: { memory: WebAssembly.Memory } } }).wasm.asm;
    expect(memories.at(-1)).toEqual([memory.buffer, memory.buffer]);
    expect((memories.at(-1) as ArrayBuffer[])[0]).toBe(memory.buffer);
  } finally {
    Fused.prototype.biasActivationDropout = biasActivationDropout;
  }
});

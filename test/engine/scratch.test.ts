// Calls of extensions on typed arrays over wasm memory: the scratch that they need is there, so the arrays stay attached.

import { describe, expect, it } from "vitest";
import { createDropout } from "../../src/core/index.js";
import { createFused } from "../../src/fused/index.js";
import { HALF_DTYPES } from "../../src/ground/dtypes.js";
import { createHalf } from "../../src/half/index.js";
import { createLinear } from "../../src/linear/index.js";
import { createNoise } from "../../src/noise/index.js";
import { createShapes } from "../../src/shapes/index.js";

const ROWS = 64;
const COLUMNS = 1024;
const LENGTH = ROWS * COLUMNS;

describe.each(["f32", ...HALF_DTYPES] as const)("%s", (dtype) => {
  it("calls on views do not make the memory grow", async () => {
    const { dropout } = await createHalf(await createDropout({ seed: 1 }));
    const [fused, noise, shapes] = [await createFused(dropout), await createNoise(dropout), await createShapes(dropout)];
    const buffers = [1, 2, 3, 4, 5].map(() => dropout.alloc(dtype, LENGTH));
    const rows = [1, 2, 3, 4, 5].map(() => dropout.alloc(dtype, COLUMNS));
    const statistics = [1, 2].map(() => dropout.alloc("f32", ROWS));
    const bits = dropout.alloc("bits", ROWS);
    type View = Float32Array<ArrayBuffer>;
    const [x, residual, out, h, dresidual] = buffers.map(({ array }) => array) as [View, View, View, View, View];
    const [bias, gamma, beta, dgamma, dbeta] = rows.map(({ array }) => array) as [View, View, View, View, View];
    const [mean, rstd] = statistics.map(({ array }) => array) as [View, View];
    const size = dropout.memory.buffer.byteLength;
    const options = { dtype: dtype === "f32" ? undefined : dtype };
    const shape = [ROWS, COLUMNS];
    const done: unknown[] = [];
    const call = (act: () => object) => {
      const results = Object.values(act()).filter((result) => ArrayBuffer.isView(result));
      done.push(...results);
      for (const result of results) expect((result as View).length).toBeGreaterThan(0);
      expect(dropout.memory.buffer.byteLength).toBe(size);
    };
    call(() => shapes.dropPath(x, 0.3, { ...options, shape, out, mask: bits.array }));
    call(() => shapes.broadcastDropout(x, 0.3, { ...options, shape, noiseShape: [null, 1], out }));
    call(() => shapes.alphaDropout(x, 0.3, { ...options, out }));
    call(() => noise.gaussianDropout(x, 0.3, { ...options, out }));
    call(() => {
      const forward = fused.biasActivationDropout(x, 0.3, { ...options, bias, activation: "gelu", out });
      return { ...forward, ...fused.backward(out, forward.ticket, { x, bias }, { ...options, dx: out, dbias: dgamma }) };
    });
    call(() => fused.biasDropoutResidual(x, 0.3, { ...options, bias, residual, out }));
    call(() => {
      const forward = fused.dropoutResidualLayerNorm(x, 0.3, { ...options, residual, bias, gamma, beta, out, h, mean, rstd });
      const given = { ...options, dh: residual, dx: out, dresidual, dgamma, dbeta, dbias: bias };
      return { ...forward, ...fused.backward(x, forward.ticket, { h, mean, rstd, gamma }, given) };
    });
    call(() => {
      const forward = fused.softmaxDropout(x, 0.3, { ...options, shape, attentionMask: residual, out });
      return { ...forward, ...fused.backward(out, forward.ticket, { logits: x, attentionMask: residual }, { ...options, dlogits: out }) };
    });
    expect(done.length).toBeGreaterThan(15);
  });
});

it("DropConnect on views does not make the memory grow", async () => {
  const dropout = await createDropout({ seed: 1 });
  const linear = await createLinear(dropout);
  const [x, y, w] = [dropout.alloc("f32", 32 * 256), dropout.alloc("f32", 32 * 128), dropout.alloc("f32", 128 * 256)];
  const { byteLength } = dropout.memory.buffer;
  const [from, to, weights] = [x.array, y.array, w.array];
  for (let call = 0; call < 3; ++call) linear.dropConnect(from, 0.5, { w: weights, shape: { in: 256 }, out: to });
  expect(dropout.memory.buffer.byteLength).toBe(byteLength);
});

it("an instance of little memory has no block set aside", async () => {
  const dropout = await createDropout({ seed: 1, maxBytes: 2 ** 20 });
  const { byteLength } = dropout.memory.buffer;
  await createFused(dropout);
  expect(dropout.memory.buffer.byteLength).toBe(byteLength);
});

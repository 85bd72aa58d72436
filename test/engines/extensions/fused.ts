// Every operation of "wasm-dropout/fused", forward and backward.

import type { Dropout } from "wasm-dropout";
import { ACTIVATIONS, type Fused } from "wasm-dropout/fused";
import { sampleData } from "../data.js";
import { throwsWith } from "../expect.js";
import type { Digest } from "./digest.js";
import { DTYPES, KINDS, places, posted } from "./operands.js";

// The last two are longer than a piece: one has many rows, the other a long row.
const MATRICES = [
  [2, 1],
  [3, 5],
  [33, 257],
  [2, 8200],
] as const;

export function check(fused: Fused, dropout: Dropout, digest: Digest): void {
  for (const kind of KINDS) {
    for (const [rows, columns] of MATRICES) {
      const length = rows * columns;
      const options = { kind, seed: 21, stream: 22n, start: 23 };

      for (const dtype of DTYPES) {
        const [bias, residual] = [sampleData(dtype, columns, 1000), sampleData(dtype, length, 2000)];
        for (const x of places(dropout, dtype, length)) {
          for (const { y, ticket } of [
            fused.biasDropoutResidual(x, 0.3, { ...options, bias, residual }),
            fused.biasDropoutResidual(x, 0.3, { ...options, residual }),
            fused.biasDropoutResidual(x, 0.3, { ...options, residual, training: false }),
          ]) {
            digest.add(y, ticket, fused.backward(x, posted(ticket)));
          }
        }
      }

      const x = sampleData("f32", length, 0);
      const [bias, gamma, beta] = [sampleData("f32", columns, 1000), sampleData("f32", columns, 3000), sampleData("f32", columns, 4000)];
      const [residual, dy, dh] = [sampleData("f32", length, 2000), sampleData("f32", length, 5000), sampleData("f32", length, 6000)];
      for (const activation of ACTIVATIONS) {
        const { y, ticket } = fused.biasActivationDropout(x, 0.3, { ...options, bias, activation });
        digest.add(y, ticket, fused.backward(dy, posted(ticket), { x, bias }));
        using held = dropout.from(x);
        digest.add(fused.biasActivationDropout(held, 0.3, { ...options, activation, out: held, backward: false }));
      }
      for (const norm of [
        { residual, gamma, beta },
        { residual, gamma, beta, bias, epsilon: 0.5 },
      ]) {
        const { ticket, y, ...saved } = fused.dropoutResidualLayerNorm(x, 0.3, { ...options, ...norm });
        digest.add({ y, ...saved }, ticket);
        digest.add(fused.backward(dy, posted(ticket), { ...saved, gamma }));
        digest.add(fused.backward(dy, ticket, { ...saved, gamma }, { dh }));
      }
      const path = { dropPath: 0.4, start: 2 * length };
      const branch = { residual, gamma, bias, layerScale: beta, rowScale: new Float32Array(rows).fill(0.75), parallel: dh, ...path };
      for (const more of [{ gamma }, branch]) {
        const { ticket, y, ...saved } = fused.dropoutResidualRMSNorm(x, 0.3, { ...options, ...more });
        digest.add({ y, ...saved }, ticket);
        const again = "rowScale" in more ? { x, bias, layerScale: more.layerScale, rowScale: more.rowScale } : {};
        digest.add(fused.backward(dy, posted(ticket), { ...saved, gamma, ...again }));
      }
      for (const activation of ["silu", "gelu", "geluTanh", "relu"] as const) {
        const { y, ticket } = fused.gluDropout(x, 0.3, { ...options, activation, value: dy });
        digest.add(y, ticket, fused.backward(dh, posted(ticket), { x, value: dy }));
      }
      const doubles = sampleData("f64", length, 0);
      const pair = new Float64Array(2 * length).fill(0.5);
      pair.set(doubles);
      const wide = fused.gluDropout(pair, 0.3, { ...options, columns, activation: "gelu" });
      digest.add(wide.y, wide.ticket, fused.backward(doubles, posted(wide.ticket), { x: pair }));
      const [queries, keys] = [rows, columns];
      for (const softmax of [
        { shape: [queries, keys] },
        { shape: [1, queries, keys], scale: 0.125, causal: true, attentionMask: sampleData("f32", keys, 7000), maskShape: [keys] },
      ]) {
        const { y, ticket } = fused.softmaxDropout(x, 0.3, { ...options, ...softmax });
        digest.add(y, ticket, fused.backward(dy, posted(ticket), { logits: x, attentionMask: softmax.attentionMask }));
        digest.add(fused.softmaxDropout(x, 0.3, { ...options, ...softmax, probabilities: true }).probabilities);
      }
    }
  }
  const x = new Float32Array(6);
  throwsWith(RangeError, '"bias" expected', () => fused.biasDropoutResidual(x, 0.5, { residual: x, bias: new Float32Array(4) }));
  throwsWith(RangeError, '"gamma" expected', () => fused.dropoutResidualLayerNorm(x, 0.5, { residual: x, gamma: x.subarray(2), beta: x }));
}

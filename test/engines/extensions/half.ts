// Every operation of "wasm-dropout/half", and those of its instance.

import type { Dropout, HalfDtype } from "wasm-dropout";
import type { Fused } from "wasm-dropout/fused";
import type { Half } from "wasm-dropout/half";
import type { Noise } from "wasm-dropout/noise";
import type { Shapes } from "wasm-dropout/shapes";
import { FORMATS } from "../../half/oracle.js";
import { sampleData } from "../data.js";
import { throwsWith } from "../expect.js";
import type { Entries } from "../extensions.js";
import type { Digest } from "./digest.js";
import { checkFloat16 } from "./float16.js";
import { KINDS, posted } from "./operands.js";

type Halves = Uint16Array<ArrayBuffer>;

const DTYPES = Object.keys(FORMATS) as HalfDtype[];

/** 16-bit data in operations whose kernels know f32. */
function checkHalves(others: { shapes: Shapes; noise: Noise; fused: Fused }, half: Half, digest: Digest): void {
  const { shapes, noise, fused } = others;
  const [rows, columns] = [24, 1000];
  const shape = [rows, columns];
  for (const dtype of DTYPES) {
    const [x, residual] = [0, 1].map((k) => half.fromFloat32(sampleData("f32", rows * columns, k) as Float32Array, dtype)) as [
      Halves,
      Halves,
    ];
    const [gamma, beta] = [2, 3].map((k) => half.fromFloat32(sampleData("f32", columns, k) as Float32Array, dtype)) as [Halves, Halves];
    const options = { seed: 31, stream: 32, start: 33, dtype };
    const path = shapes.dropPath(x, 0.3, { ...options, shape });
    const alpha = shapes.alphaDropout(x, 0.3, { ...options, shape, noiseShape: [null, 1] });
    const times = noise.gaussianDropout(x, 0.3, options);
    const activated = fused.biasActivationDropout(x, 0.3, { ...options, bias: beta, activation: "gelu" });
    const { ticket, y, ...saved } = fused.dropoutResidualLayerNorm(x, 0.3, { ...options, residual, gamma, beta });
    const softmax = fused.softmaxDropout(x, 0.3, { ...options, shape, attentionMask: beta });
    for (const forward of [path, alpha, times, activated, softmax]) digest.add(forward.y, forward.ticket);
    for (const forward of [path, alpha]) digest.add(shapes.backward(x, posted(forward.ticket), {}, { dtype }).dx);
    digest.add(noise.backward(x, posted(times.ticket), {}, { dtype }).dx);
    digest.add(fused.backward(x, posted(activated.ticket), { x, bias: beta }, { dtype }));
    digest.add(fused.backward(x, posted(softmax.ticket), { logits: residual, attentionMask: beta }, { dtype }));
    digest.add({ y, ...saved }, ticket, fused.backward(x, posted(ticket), { ...saved, gamma }, { dtype }));
  }
}

export async function check(half: Half, plain: Dropout, digest: Digest, entries: Entries, options: { simd: boolean }): Promise<void> {
  throwsWith(
    TypeError,
    '"x" expected Float32Array, Float64Array or buffer of f32 or f64 (16-bit data need the instance of createHalf()',
    () => plain.dropout(new Uint16Array(4), 0.5, { dtype: "f16" }),
  );
  const { dropout } = half;
  checkCore(half, dropout, digest);
  const others = {
    shapes: await entries.shapes.createShapes(dropout, options),
    noise: await entries.noise.createNoise(dropout, options),
    fused: await entries.fused.createFused(dropout, options),
  };
  checkHalves(others, half, digest);
}

function checkCore(half: Half, dropout: Dropout, digest: Digest): void {
  for (const dtype of DTYPES) {
    const most = FORMATS[dtype].infinity + 1;
    // All numbers of the format, of both signs.
    const x = Uint16Array.from({ length: 2 * most }, (_, i) => (i < most ? i : 0x8000 + i - most));
    const wide = half.toFloat32(x, dtype);
    digest.add(wide, half.fromFloat32(sampleData("f32", 10_000), dtype));
    // Between two numbers of the format.
    digest.add(
      half.fromFloat32(wide.map(Math.fround), dtype),
      half.fromFloat32(
        wide.map((value) => value * 1.0009765625),
        dtype,
      ),
    );
    using held = dropout.from(x, dtype);
    digest.add(half.toFloat32(held, dtype));
    for (const kind of KINDS) {
      const options = { kind, seed: 31, stream: 32, start: 33, dtype };
      const mask = new Uint8Array(Math.ceil(x.length / 8));
      const { y, ticket } = dropout.forward(x, 0.3, { ...options, mask });
      digest.add(y, ticket, mask, dropout.forward(x, 0.3, options), dropout.backward(y, posted(ticket), {}, { dtype }).dx);
      const bytes = dropout.replay(ticket, { format: "bytes" });
      digest.add(dropout.backward(y, { p: 0.3, kind }, { mask }, { dtype }).dx);
      digest.add(dropout.backward(y, { p: 0.3, kind }, { mask: bytes, format: "bytes" }, { dtype }).dx);
      digest.add(dropout.dropout(held, 0.3, options));
    }
  }
  checkFloat16(half, dropout);
  throwsWith(RangeError, `"dtype" expected ${DTYPES.map((dtype) => `"${dtype}"`).join(" or ")}`, () =>
    half.toFloat32(new Uint16Array(4), "f8" as never),
  );
  throwsWith(TypeError, '"x" expected', () => dropout.dropout(new Uint16Array(4), 0.5));
}

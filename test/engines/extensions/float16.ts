// The engine's own arrays of f16, in engines that have them: the same bits as of Uint16Arrays with dtype "f16".

import type { Dropout, WasmBuffer } from "wasm-dropout";
import type { Half } from "wasm-dropout/half";
import { sampleData } from "../data.js";
import { bytesOf, equal, throwsWith } from "../expect.js";
import { KINDS } from "./operands.js";

/** The parts of the class that the check uses. Older libraries of TypeScript do not declare it. The package takes it for f16 by its name. */
type Float16Array = Uint16Array<ArrayBuffer>;
type Float16ArrayConstructor = new (...view: [number | Iterable<number>] | [ArrayBuffer, number, number]) => Float16Array;

const { Float16Array } = globalThis as { Float16Array?: Float16ArrayConstructor };

/** True if the engine has them. */
export const float16Array = Float16Array !== undefined;

// More than is staged at once, and no multiple of a vector.
const LENGTH = 70_001;

export function checkFloat16(half: Half, dropout: Dropout): void {
  if (Float16Array === undefined) return;
  const numbers = sampleData("f32", LENGTH);
  const bits = half.fromFloat32(numbers as Float32Array, "f16");
  const x = new Float16Array(numbers);
  const same = (got: ArrayBufferView, expected: ArrayBufferView, what: string) => {
    const [one, other] = [bytesOf(got), bytesOf(expected)];
    equal(one.length, other.length, `length of ${what}`);
    one.forEach((byte, i) => {
      if (byte !== other[i]) throw new Error(`${what}: byte ${i} is ${byte} instead of ${other[i]}`);
    });
  };
  const made = (got: ArrayBufferView, expected: ArrayBufferView, what: string) => {
    equal(got.constructor, Float16Array, `class of ${what}`);
    same(got, expected, what);
  };
  same(x, bits, "the engine's own rounding");
  same(half.toFloat32(x, "f16"), half.toFloat32(bits, "f16"), "toFloat32");
  const narrow = new Float16Array(LENGTH);
  equal(half.fromFloat32(numbers as Float32Array, "f16", { out: narrow }), narrow, "result of fromFloat32");
  same(narrow, bits, "fromFloat32");

  for (const kind of KINDS) {
    const options = { kind, seed: 31, stream: 32, start: 33 };
    const y = dropout.dropout(bits, 0.3, { ...options, dtype: "f16" });
    const forward = dropout.forward(x, 0.3, options);
    made(forward.y, y, "forward");
    made(dropout.backward(x, forward.ticket).dx, y, "backward");
    same(dropout.dropout(x, 0.3, { ...options, out: new Uint16Array(LENGTH) }), y, "bits as out");
    const out = new Float16Array(LENGTH);
    equal(dropout.dropout(bits, 0.3, { ...options, dtype: "f16", out }), out, "result with out");
    same(out, y, "out of bits");
    dropout.dropout(narrow, 0.3, { ...options, out: narrow });
    same(narrow, y, "in place");
    narrow.set(x);

    using buffer = (dropout as unknown as { from(array: Float16Array): WasmBuffer<"f16"> }).from(x);
    same(buffer.array, bits, "from");
    const view = new Float16Array(buffer.array.buffer, buffer.pointer, LENGTH);
    equal(dropout.dropout(view, 0.3, { ...options, out: view }), view, "result in wasm memory");
    same(buffer.array, y, "in place in wasm memory");
  }

  throwsWith(TypeError, '"out" expected Uint16Array, Float16Array or f16 buffer, got Float32Array(4)', () =>
    dropout.dropout(x, 0.5, { out: new Float32Array(4) as never }),
  );
  throwsWith(TypeError, '"out" expected Uint16Array or bf16 buffer, got Float16Array(4)', () =>
    dropout.dropout(new Uint16Array(4), 0.5, { dtype: "bf16", out: new Float16Array(4) }),
  );
  throwsWith(TypeError, '"x" expected Uint16Array or bf16 buffer, got Float16Array', () => half.toFloat32(x, "bf16"));
  throwsWith(TypeError, '"array" expected Uint16Array, got Float16Array', () => dropout.from(x, "bf16"));
}

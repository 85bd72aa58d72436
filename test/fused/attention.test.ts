// Attention masks of softmax, additive and boolean, broadcast by NumPy's rules, and lengths of keys: against masks that plain loops have spread over all
// scores, forward and back, and what is refused.

import { beforeAll, describe, expect, it } from "vitest";
import { createDropout, type Dropout, type WasmBuffer } from "../../src/core/index.js";
import { PIECE } from "../../src/engine/pieces.js";
import { createFused, type Fused, type SoftmaxTicket } from "../../src/fused/index.js";
import { expectSame } from "../support/oracle.js";
import { expectRefusal, thrownBy } from "../support/refusals.js";
import { numbers } from "./rows-oracle.js";

// biome-ignore lint/suspicious/noExplicitAny: arguments that the types forbid are what is tested
type Anything = any;
type Floats = Float32Array<ArrayBuffer>;

let dropout: Dropout;
let fused: Fused;

beforeAll(async () => {
  dropout = await createDropout({ seed: 5 });
  fused = await createFused(dropout);
});

/** A copy in wasm memory. */
function inWasm(mask: Floats | Uint8Array<ArrayBuffer>): WasmBuffer {
  if (mask instanceof Float32Array) return dropout.from(mask);
  const buffer = dropout.alloc("bytes", mask.length);
  buffer.array.set(mask);
  return buffer;
}

const count = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** The element of an array of shape `from` that is broadcast to element i of `shape`. */
function source(i: number, shape: readonly number[], from: readonly number[]): number {
  let [rest, stride, at] = [i, 1, 0];
  for (let k = 1; k <= shape.length; ++k) {
    const size = shape[shape.length - k] as number;
    const own = from[from.length - k] ?? 1;
    if (own !== 1) at += (rest % size) * stride;
    stride *= own;
    rest = Math.floor(rest / size);
  }
  return at;
}

/** The additive mask of the shape of the scores that says the same. */
function spread(
  shape: readonly number[],
  mask?: ArrayLike<number>,
  maskShape: readonly number[] = [1],
  lengths?: readonly number[],
): Floats {
  const keys = shape.at(-1) as number;
  const rows = count(shape) / keys;
  return Float32Array.from({ length: count(shape) }, (_, i) => {
    const row = Math.floor(i / keys);
    if (lengths !== undefined && i % keys >= (lengths[Math.floor((row * lengths.length) / rows)] as number)) return -Infinity;
    if (mask === undefined) return 0;
    const value = mask[source(i, shape, maskShape)] as number;
    return mask instanceof Uint8Array ? (value === 0 ? -Infinity : 0) : value;
  });
}

it("a mask of [batch, 1, 1, keys] leaves out keys by batch entry", () => {
  const attentionMask = Float32Array.of(0, -Infinity, 0, 0);
  const shape = [2, 2, 2, 2];
  const { y } = fused.softmaxDropout(new Float32Array(16), 0, { shape, attentionMask, maskShape: [2, 1, 1, 2] });
  expect([...y]).toEqual([1, 0, 1, 0, 1, 0, 1, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]);
  expectRefusal(
    () => fused.softmaxDropout(new Float32Array(16), 0, { shape, attentionMask }),
    RangeError,
    '"maskShape" expected the shape of "attentionMask", whose 4 elements could be broadcast to [2, 2, 2, 2] in other ways, got undefined',
  );
});

// Scores, shapes of masks: dimensions of both kinds in all orders, blocks longer than a piece, rows longer than a piece.
const CASES: [shape: number[], maskShapes: number[][]][] = [
  [[5], [[5], [1]]],
  [
    [2, 3, 4, 6],
    [
      [6],
      [4, 6],
      [3, 1, 6],
      [3, 4, 6],
      [2, 1, 1, 6],
      [2, 1, 4, 6],
      [2, 3, 1, 6],
      [2, 3, 4, 6],
      [1, 3, 1, 1],
      [2, 1, 4, 1],
      [1, 1, 1, 1],
      [4, 1],
    ],
  ],
  [
    [3, 1, 2, 1, 2, 3],
    [
      [3, 1, 1, 1, 2, 3],
      [2, 1, 1, 3],
      [3, 1, 1, 1, 1, 3],
      [1, 1, 2, 1, 1, 1],
    ],
  ],
  [
    [2, 3, 40, 300],
    [
      [40, 300],
      [2, 1, 1, 300],
      [2, 1, 40, 300],
      [3, 1, 300],
      [3, 40, 300],
      [2, 1, 40, 1],
    ],
  ],
  [
    [2, 2, 3, PIECE + 5],
    [
      [2, 1, 1, PIECE + 5],
      [3, 1],
      [2, 1, 3, PIECE + 5],
    ],
  ],
];

describe.each(["additive", "boolean"] as const)("%s masks", (kind) => {
  it.each(CASES)("of scores %j", (shape, maskShapes) => {
    const n = count(shape);
    const keys = shape.at(-1) as number;
    const [logits, dy] = [numbers(n, 1, 3), numbers(n, 2)];
    maskShapes.forEach((maskShape, k) => {
      const values = numbers(count(maskShape), k + 3, 2);
      const mask =
        kind === "additive"
          ? (values.map((v) => (v < -1 ? -Infinity : v)) as Floats)
          : Uint8Array.from(values, (v) => (v < -1 ? 0 : 1 + (k % 2) * 200));
      const rows = n / keys;
      for (const lengths of [
        undefined,
        shape.length > 1 ? Array.from({ length: shape[0] as number }, (_, b) => (b * 7 + 1) % (keys + 1)) : [keys - 1],
        Array.from({ length: rows }, (_, r) => (r * 5) % (keys + 1)),
      ]) {
        const causal = shape.length > 1 && k % 2 === 1;
        const what = `mask [${maskShape}], lengths ${lengths?.length}, causal ${causal}`;
        const options = { shape, stream: 3, start: 5, scale: 0.5, causal };
        const full = spread(shape, mask, maskShape, lengths);
        const expected = fused.softmaxDropout(logits, 0.3, { ...options, attentionMask: full });
        const gradient = fused.backward(dy, expected.ticket, { logits, attentionMask: full }).dlogits;
        for (const held of [false, true]) {
          const attentionMask: Anything = held ? inWasm(mask) : mask;
          const got = fused.softmaxDropout(logits, 0.3, {
            ...options,
            attentionMask,
            maskShape,
            ...(lengths ? { keyLengths: lengths } : {}),
          });
          expectSame(got.y, expected.y, what);
          const stored: SoftmaxTicket = JSON.parse(JSON.stringify(got.ticket));
          expect(stored).toEqual(got.ticket);
          expectSame(fused.backward(dy, stored, { logits, attentionMask }).dlogits, gradient, `${what}, back`);
          if (held) (attentionMask as WasmBuffer).free();
        }
      }
    });
  });
});

it("lengths of keys without a mask, as any array of integers, 0 for rows of +0", () => {
  const shape = [2, 2, 3];
  const { y, ticket } = fused.softmaxDropout(new Float32Array(12), 0, { shape, keyLengths: Uint32Array.of(2, 0) });
  expect([...y]).toEqual([0.5, 0.5, 0, 0.5, 0.5, 0, 0, 0, 0, 0, 0, 0]);
  expect(ticket.keyLengths).toEqual([2, 0]);
  const { dlogits } = fused.backward(new Float32Array(12).fill(1), ticket, { logits: new Float32Array(12) });
  expect(dlogits.every((v) => v === 0)).toBe(true);
});

describe("a mask without a shape", () => {
  it("has the shape of the scores, or of their last dimensions where nothing else fits", () => {
    for (const [shape, read] of [
      [
        [2, 3, 5],
        [2, 3, 5],
      ],
      [
        [2, 3, 5],
        [3, 5],
      ],
      [[2, 3, 5], [5]],
      [
        [1, 4, 1, 4],
        [1, 4, 1, 4],
      ],
      [[7], [7]],
      [
        [3, 1, 5],
        [1, 5],
      ],
    ] as const) {
      const mask = numbers(count(read), 2);
      const logits = numbers(count(shape), 1);
      const { y, ticket } = fused.softmaxDropout(logits, 0, { shape, attentionMask: mask });
      expectSame(y, fused.softmaxDropout(logits, 0, { shape, attentionMask: spread(shape, mask, read) }).y, `[${shape}] and [${read}]`);
      expect(count(ticket.maskShape as number[])).toBe(mask.length);
    }
  });

  it("is refused where it fits in two ways, or in none", () => {
    for (const [shape, length] of [
      [[4, 4], 4],
      [[2, 3, 6], 6],
      [[2, 5, 5], 5],
      [[2, 3, 5], 10],
      [[2, 3, 5], 2],
      [[2, 3, 5], 1],
    ] as const) {
      const attentionMask = new Float32Array(length);
      const error = thrownBy(() => fused.softmaxDropout(new Float32Array(count(shape)), 0, { shape, attentionMask }));
      expect(error).toBeInstanceOf(RangeError);
      expect((error as Error).message).toMatch(/^"maskShape" expected the shape of "attentionMask"/);
    }
    for (const length of [0, 4, 7, 31, 60]) {
      const attentionMask = new Float32Array(length);
      expectRefusal(
        () => fused.softmaxDropout(new Float32Array(30), 0, { shape: [2, 3, 5], attentionMask }),
        RangeError,
        `"attentionMask" expected length that fits [2, 3, 5], broadcast, got ${length}`,
      );
    }
  });
});

it("refuses shapes, lengths and masks that do not fit, with nothing done", () => {
  const out = new Float32Array(12).fill(7);
  const before = dropout.state;
  const options = { shape: [2, 2, 3], out };
  const mask = new Float32Array(6);
  const x = new Float32Array(12);
  const broadcast = "dimensions that are 1 or those of [2, 2, 3], aligned at the last";
  const cases: [Anything, typeof TypeError | typeof RangeError, string][] = [
    [{ attentionMask: mask, maskShape: [3, 2] }, RangeError, `"maskShape" expected ${broadcast}, got [3, 2]`],
    [{ attentionMask: mask, maskShape: [1, 1, 2, 3] }, RangeError, `"maskShape" expected ${broadcast}, got [1, 1, 2, 3]`],
    [{ attentionMask: mask, maskShape: [3] }, RangeError, '"attentionMask" expected length 3, that of its shape [3], got 6'],
    [{ attentionMask: mask, maskShape: "2,3" }, TypeError, '"maskShape" expected array of 1 to 32 non-negative integers, got string "2,3"'],
    [{ maskShape: [2, 3] }, TypeError, '"maskShape" expected undefined without "attentionMask", got Array(2)'],
    [{ attentionMask: new Uint8Array(6), maskShape: [3] }, RangeError, '"attentionMask" expected length 3, that of its shape [3], got 6'],
    [{ attentionMask: new Float64Array(6) }, TypeError, '"attentionMask" expected Float32Array or f32 buffer, got Float64Array(6)'],
    [{ attentionMask: [true, false] }, TypeError, '"attentionMask" expected Float32Array or f32 buffer, got Array(2)'],
    [{ mask }, TypeError, '"mask" is no option; the options are'],
    [{ keyLengths: [1, 2, 3] }, RangeError, '"keyLengths" expected length 2, or 4 for one a row, got 3'],
    [{ keyLengths: [1, 4] }, RangeError, '"keyLengths[1]" expected integer in [0, 3], got 4'],
    [{ keyLengths: [1, 0.5] }, RangeError, '"keyLengths[1]" expected integer in [0, 3], got 0.5'],
    [{ keyLengths: ["1", 2] }, TypeError, '"keyLengths[0]" expected integer in [0, 3], got string "1"'],
    [{ keyLengths: 2 }, TypeError, '"keyLengths" expected array of integers, got 2'],
    [{ keyLengths: new Array(2 ** 32 - 1) }, RangeError, '"keyLengths" expected length 2, or 4 for one a row, got 4294967295'],
    [{ shape: new Array(2 ** 32 - 1) }, RangeError, '"shape" expected array of 1 to 32 non-negative integers'],
  ];
  for (const [given, type, message] of cases) {
    const error = thrownBy(() => fused.softmaxDropout(x, 0.5, { ...options, ...given }));
    expect(error, message).toBeInstanceOf(type);
    expect((error as Error).message.slice(0, message.length)).toBe(message);
  }
  const { ticket } = fused.softmaxDropout(x, 0.5, { shape: [2, 2, 3], attentionMask: new Uint8Array(6), maskShape: [2, 1, 3], stream: 1 });
  for (const [changes, saved, message] of [
    [
      { maskKind: "additive" },
      { attentionMask: new Uint8Array(6) },
      '"saved.attentionMask" expected Float32Array or f32 buffer, got Uint8Array(6)',
    ],
    [{}, { attentionMask: new Float32Array(6) }, '"saved.attentionMask" expected Uint8Array or bytes buffer, got Float32Array(6)'],
    [{}, {}, '"saved.attentionMask" expected Uint8Array or bytes buffer, got undefined'],
    [{ maskShape: [3, 3] }, {}, `"ticket.maskShape" expected ${broadcast}, got [3, 3]`],
    [{ keyLengths: [9, 9] }, {}, '"ticket.keyLengths[0]" expected integer in [0, 3], got 9'],
  ] as const) {
    expect(() => fused.backward(x, { ...ticket, ...changes } as Anything, { logits: x, ...saved }, { dlogits: out }), message).toThrow(
      message,
    );
  }
  expect(out).toEqual(new Float32Array(12).fill(7));
  expect(dropout.state).toEqual(before);
});

// Masks with shapes: a stored mask walked in the forms that layers use, and DropBlock's blocks. The drawing of masks is measured with the core.

import { bindKernels, rowsOf } from "../../src/engine/kernels.js";
import { BlockForm, RateField, RatesField } from "../../src/ground/abi.js";
import type { Dtype } from "../../src/ground/dtypes.js";
import { SHAPES, type ShapesKernels } from "../../src/shapes/kernels.js";
import { recordLength, walkOf, writeRecord } from "../../src/shapes/walk.js";
import type { StreamKind } from "../../src/stream/kinds.js";
import { copyOf, P, type Placement, type Subject } from "./subject.js";

/** Shapes and noise shapes of n elements, a multiple of 16; the first has no suffix. */
const FORMS: readonly [suffix: string, shape: (n: number) => number[], noiseShape: (n: number) => number[]][] = [
  ["", (n) => [n], (n) => [n]],
  [", 16 channels last", (n) => [n / 16, 16], () => [1, 16]],
  [", 2 channels last", (n) => [n / 2, 2], () => [1, 2]],
  [", maps of 256", (n) => [Math.ceil(n / 256), Math.min(n, 256)], (n) => [Math.ceil(n / 256), 1]],
  [", runs of 4", (n) => [n / 4, 4], (n) => [n / 4, 1]],
];

const BLOCK = 7;
const BLOCK_AREA = BLOCK ** 2;
// Bytes around a mask that the kernels of blocks need.
const MARGIN = 16;

export function subjects(exports: WebAssembly.Exports, place: Placement): Subject[] {
  const kernels = bindKernels<ShapesKernels>(exports, SHAPES);
  const { src, dst, mask, n, memory } = place;
  const group = "kernel";

  const walked = (verb: "broadcast" | "affine", dtype: Dtype): Subject[] =>
    FORMS.slice(0, verb === "affine" ? 1 : FORMS.length).map(([suffix, shapeOf, noiseShapeOf]) => {
      const walk = walkOf(shapeOf(n), noiseShapeOf(n));
      const record = place.room("f64", recordLength(walk));
      writeRecord(memory, record, walk);
      const kernel = kernels[verb].bits[dtype];
      // Of all elements, so that each call finds the record as the first did.
      const call = () => kernel(dst[dtype], src[dtype], mask.bits, n, record, 1 / (1 - P), 0.5, -1);
      return { name: `bits_${verb}_${dtype}${suffix}`, group, copy: copyOf(dtype), bytes: 2 * place.bytes(dtype), call };
    });

  // DropBlock on maps of 32 x 32 elements, or 4 x 4 where there are too few for that: along rows, whose elements are neighbours, or along columns.
  const side = n % 1024 === 0 ? 32 : 4;
  const [before, after] = [Math.min(BLOCK, side) >> 1, (Math.min(BLOCK, side) - 1) >> 1];
  const seeds = (): number => {
    const at = place.room("bytes", place.bytes("bits") + 2 * MARGIN);
    const dropped = memory.view("bits", at + MARGIN, n).fill(0xff);
    // A Weyl sequence: as many seeds as drop about P, far from evenly spaced in rows and columns.
    for (let k = 1; k <= (n * P) / BLOCK_AREA; ++k) {
      const bit = Math.floor(((k * 0.6180339887498949) % 1) * n);
      dropped[bit >> 3] = (dropped[bit >> 3] as number) & ~(1 << (bit & 7));
    }
    return at + MARGIN;
  };
  const bitsSubject = (name: string, call: () => void): Subject => ({
    name,
    group,
    copy: copyOf("f32"),
    bytes: 2 * place.bytes("bits"),
    call,
  });
  // Along rows of neighbours and along columns, where blocks have to fit and where the map's ends clip them. What a call drops stays dropped, which
  // changes nothing in the time of the next.
  const dilate = (): Subject[] =>
    [0, 1].flatMap((clip) =>
      [1, side].map((stride) => {
        const at = seeds();
        const name = `bits_dilate_bits${stride > 1 ? ", columns" : ""}${clip ? ", clipped" : ""}`;
        return bitsSubject(name, () => kernels.dilate.bits.bits(at, n, stride, side, before, after, clip));
      }),
    );
  const scatter = (): Subject => {
    const at = seeds();
    const to = place.room("bits");
    memory.view("bits", to, n).fill(0xff);
    return bitsSubject("bits_scatter_bits", () => kernels.scatter.bits.bits(to, at, n, 0, n / side ** 2, side ** 2));
  };

  // On what seeds drop, whose data are never read.
  const noise = (dtype: Dtype): Subject => {
    const at = seeds();
    const kernel = kernels.noise.bits[dtype];
    const form = BlockForm.ownSamples | BlockForm.ownChannels;
    const draw = (to = 0, count = 0, params = 0) => kernel(to, at, count, 0, n / side ** 2, side ** 2, form, params);
    const call = place.drawing(draw, P, "philox", dtype, dst[dtype]);
    return { name: `bits_noise_${dtype}`, group, copy: copyOf(dtype), bytes: 2 * place.bytes(dtype), call };
  };

  // Each element with an integer of its own, all with one rate.
  const table = memory.view("f64", place.room("f64", RateField.fields), RateField.fields);
  table.set([2 ** 47, 2, -0, 0]);
  const numbers = place.room("f64");
  const walk = place.room("f64", RatesField.fields);
  memory.view("f64", walk, RatesField.fields).set([n, 1, 0]);
  const integers = (kind: StreamKind): Subject => ({
    name: `${kind}_integers_f64`,
    group,
    copy: copyOf("f64"),
    bytes: place.bytes("f64"),
    call: place.drawing((to = 0, count = 0, params = 0) => kernels.integers[kind].f64(to, count, params), P, kind, "f64", numbers),
  });
  const certain = (): Subject => ({
    name: "bits_certain_f64",
    group,
    copy: copyOf("f64"),
    bytes: place.bytes("f64"),
    call: () => kernels.certain.bits.f64(numbers, mask.bits, 0, n, 2 ** 48 - 1),
  });
  const rated = (dtype: Dtype | "bits"): Subject => {
    const bits = dtype === "bits";
    const [to, from] = bits ? [mask.bits, 0] : [dst[dtype], src[dtype]];
    const call = () => kernels.rated.integers[dtype](to, from, n, numbers, table.byteOffset, walk);
    return { name: `integers_rated_${dtype}`, group, copy: copyOf("f64"), bytes: place.bytes("f64"), call };
  };

  return rowsOf(SHAPES).flatMap(([verb, source, dtype]) => {
    if (verb === "noise") return [noise(dtype as Dtype)];
    if (verb === "integers") return [integers(source as StreamKind)];
    if (verb === "certain") return [certain()];
    if (verb === "rated") return [rated(dtype as Dtype | "bits")];
    if (verb === "dilate") return dilate();
    return verb === "scatter" ? [scatter()] : walked(verb, dtype as Dtype);
  });
}

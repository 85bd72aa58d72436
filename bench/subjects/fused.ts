// Fused operations: every kernel of the table with its decisions drawn, the same pass with nothing dropped, and the operation as a
// sequence of kernels that each do a part of it.

import { bindKernels, type Kernels, rowsOf } from "../../src/engine/kernels.js";
import { PARAMS, type Params } from "../../src/engine/memory.js";
import { type Piece, pieces } from "../../src/engine/pieces.js";
import { ACTIVATIONS, type Activation, type Elementwise, FUSED, type FusedKernels, type RowKernel } from "../../src/fused/kernels.js";
import {
  BIAS_RECORD,
  GATE_RECORD,
  GateField,
  NormField,
  NormGradientField,
  ROW_FIELDS,
  ROW_RECORD,
  SOFTMAX_RECORD,
  SoftmaxField,
  STEP,
} from "../../src/ground/abi.js";
import { byteLength, type Dtype } from "../../src/ground/dtypes.js";
import { Words } from "../../src/ground/words.js";
import { scale, threshold } from "../../src/stream/probability.js";
import { type Values, writeFields } from "../../test/support/record.js";
import { copyOf, P, type Placement, type Subject } from "./subject.js";

/** The most columns of the matrices. */
const COLUMNS = 1024;
const EPSILON = 1e-5;

type Row = ReturnType<typeof rowsOf<(typeof FUSED)[number]>>[number];

/** Subjects for the table; `core` draws their decisions and is part of the sequences. */
export function subjects(exports: WebAssembly.Exports, place: Placement, core: Kernels): Subject[] {
  const kernels = bindKernels<FusedKernels>(exports, FUSED);
  const { memory, src, dst, mask, n } = place;
  // A power of two from 16 on that divides n.
  const columns = Math.min(COLUMNS, n & -n);
  const rows = n / columns;
  const filled = (dtype: Dtype, count: number, value: number) => {
    const pointer = place.room(dtype, count);
    memory.view(dtype, pointer, count).fill(value);
    return pointer;
  };
  // f64 is room for two matrices of f32.
  const other = filled("f64", n, 1);
  const rowOf = (dtype: Dtype, value: number) => filled(dtype, BIAS_RECORD / byteLength(dtype, 1) + columns + STEP, value);
  const bias = { f32: rowOf("f32", 0.5), f64: rowOf("f64", 0.5) };
  const noBias = rowOf("f32", -0);
  const gammas = { f32: filled("f32", columns, 1), f64: filled("f64", columns, 1) };
  const betas = { f32: filled("f32", columns, 0.5), f64: filled("f64", columns, 0.5) };
  const [means, rstds, scratchRow] = [filled("f64", rows, 0), filled("f64", rows, 1), filled("f64", columns, 0)];
  const sums = [filled("f64", columns, 0), filled("f64", columns, 0)] as const;
  /** Makes a record with the fields that all pieces have in common; the others are 0, and written through a view, as the product does. */
  const recordOf = <F extends Readonly<Record<string, string | number>>>(bytes: number, fields: F, common: Values<F>) => {
    const record = filled("f64", bytes / 8, 0);
    writeFields(memory, record, fields, common);
    return { record, view: () => memory.view("f64", record, ROW_FIELDS) };
  };

  const seed = new Words();
  const stream = new Words();
  const drawn = (dtype: Dtype): Params => {
    const t = threshold(P, "tile");
    return { seed, stream, start: 0, threshold: t, scale: scale(t, "tile", dtype) };
  };
  const draws = { f32: drawn("f32"), f64: drawn("f64") };
  const nothing: Params = { seed, stream, start: 0, threshold: 0, scale: 1 };
  const scaleOf = (keep: number, dtype: Dtype) => (keep === 0 ? 1 : draws[dtype].scale);
  /** Places of two results: of f64 the second is written over the first. */
  const results = { f32: [dst.f32, dst.f64], f64: [dst.f64, dst.f64] } as const;
  const all: Piece = { at: 0, count: n, row: 0, rows, column: 0, columns };

  /** Runs the pass `body`: without decisions at once, otherwise in pieces, after drawing the decisions of each. */
  const withBytes = (dtype: Dtype, body: (piece: Piece, keep: number) => void) => ({
    dropping: () => {
      stream.increment();
      for (const piece of pieces(rows, columns, true)) {
        memory.writeParams(draws[dtype], piece.at);
        core.mask.tile.bytes(mask.bytes, piece.count, PARAMS);
        body(piece, mask.bytes);
      }
    },
    keeping: () => {
      memory.writeParams(nothing, 0);
      body(all, 0);
    },
  });
  /** Runs the pass `body` at once; it draws its decisions. */
  const withTiles = (dtype: Dtype, body: () => void) => ({
    dropping: () => {
      stream.increment();
      memory.writeParams(draws[dtype], 0);
      body();
    },
    keeping: () => {
      memory.writeParams(nothing, 0);
      body();
    },
  });

  const elementwise = (kernel: Elementwise, source: string, dtype: Dtype) => {
    const on = ({ at, count }: Piece, keep: number) => {
      const by = byteLength(dtype, at);
      kernel(dst[dtype] + by, src[dtype] + by, other + by, bias[dtype], 0, columns, count, PARAMS, keep);
    };
    return source === "tile" ? withTiles(dtype, () => on(all, 0)) : withBytes(dtype, on);
  };

  // Layer norm and softmax, on whole rows, of x or dy at an address that sequences choose.
  const norm = (x: number, dtype: Dtype) => {
    const residualStep = byteLength(dtype, columns);
    const common = { residualStep, bias: betas[dtype], gamma: gammas[dtype], beta: betas[dtype], columns, epsilon: EPSILON, centred: 1 };
    const { record, view } = recordOf(ROW_RECORD, NormField, common);
    return withBytes(dtype, ({ at, row, rows: some }, keep) => {
      const by = byteLength(dtype, at);
      const fields = view();
      fields[NormField.y] = results[dtype][0] + by;
      fields[NormField.h] = results[dtype][1] + by;
      fields[NormField.x] = x + by;
      fields[NormField.residual] = other + by;
      fields[NormField.keep] = keep;
      fields[NormField.rows] = some;
      fields[NormField.means] = means + byteLength(dtype, row);
      fields[NormField.rstds] = rstds + byteLength(dtype, row);
      fields[NormField.scale] = scaleOf(keep, dtype);
      kernels.norm.bytes[dtype](record);
    });
  };
  const normGradient = (dtype: Dtype) => {
    const { record, view } = recordOf(ROW_RECORD, NormGradientField, { dgamma: sums[0], dbeta: sums[1], gamma: gammas[dtype], columns });
    return withBytes(dtype, ({ at, row, rows: some }, keep) => {
      const by = byteLength(dtype, at);
      const fields = view();
      fields[NormGradientField.dx] = results[dtype][0] + by;
      fields[NormGradientField.dresidual] = results[dtype][1] + by;
      fields[NormGradientField.dy] = src[dtype] + by;
      fields[NormGradientField.h] = other + by;
      fields[NormGradientField.keep] = keep;
      fields[NormGradientField.rows] = some;
      fields[NormGradientField.means] = means + byteLength(dtype, row);
      fields[NormGradientField.rstds] = rstds + byteLength(dtype, row);
      fields[NormGradientField.scale] = scaleOf(keep, dtype);
      kernels.normGradient.bytes[dtype](record);
    });
  };
  const softmaxRecord = () => recordOf(SOFTMAX_RECORD, SoftmaxField, { columns, logitScale: 1, row: scratchRow });
  const softmax = (dtype: Dtype) => {
    const { record, view } = softmaxRecord();
    return withBytes(dtype, ({ at, rows: some }, keep) => {
      const by = byteLength(dtype, at);
      const fields = view();
      fields[SoftmaxField.result] = dst[dtype] + by;
      fields[SoftmaxField.logits] = src[dtype] + by;
      fields[SoftmaxField.keep] = keep;
      fields[SoftmaxField.rows] = some;
      fields[SoftmaxField.scale] = scaleOf(keep, dtype);
      kernels.softmax.bytes[dtype](record);
    });
  };
  const softmaxGradient = (from: number, dtype: Dtype) => {
    const { record, view } = softmaxRecord();
    return withBytes(dtype, ({ at, rows: some }, keep) => {
      const by = byteLength(dtype, at);
      const fields = view();
      fields[SoftmaxField.result] = dst[dtype] + by;
      fields[SoftmaxField.dy] = from + by;
      fields[SoftmaxField.logits] = other + by;
      fields[SoftmaxField.keep] = keep;
      fields[SoftmaxField.rows] = some;
      fields[SoftmaxField.scale] = scaleOf(keep, dtype);
      kernels.softmaxGradient.bytes[dtype](record);
    });
  };

  /** Gated linear units of two matrices, or the gradients of these. */
  const gate = (kernel: RowKernel, gradient: boolean, dtype: Dtype) => {
    const { record, view } = recordOf(GATE_RECORD, GateField, { rows: 1 });
    const first = gradient ? other : src[dtype];
    return withBytes(dtype, ({ at, count }, keep) => {
      const by = byteLength(dtype, at);
      const fields = view();
      fields[GateField.gate] = first + by;
      fields[GateField.value] = other + by;
      fields[GateField.result] = results[dtype][0] + by;
      if (gradient) {
        fields[GateField.dy] = src[dtype] + by;
        fields[GateField.second] = results[dtype][1] + by;
      }
      fields[GateField.keep] = keep;
      fields[GateField.columns] = count;
      fields[GateField.scale] = scaleOf(keep, dtype);
      kernel(record);
    });
  };

  const subject = (name: string, dtype: Dtype, matrices: number, call: () => void): Subject => {
    return { name, group: "kernel", copy: copyOf(dtype), bytes: matrices * place.bytes(dtype), call };
  };
  const both = (name: string, dtype: Dtype, matrices: number, { dropping, keeping }: ReturnType<typeof withBytes>) => [
    subject(name, dtype, matrices, dropping),
    subject(`${name}, nothing dropped`, dtype, matrices, keeping),
  ];

  const subjectsOf = ([verb, source, dtype]: Row): Subject[] => {
    const name = `${source}_${verb}_${dtype}`;
    const type = dtype as Dtype;
    const linear = ["sum", "residual", "none"].includes(verb);
    // Those of f64 take an element at a time, whatever is dropped.
    const ways = (matrices: number, pass: ReturnType<typeof withBytes>) =>
      dtype === "f64" && !linear ? [subject(name, type, matrices, pass.dropping)] : both(name, type, matrices, pass);
    const [, gated, gradient] = verb.match(/^(\w+Gate)(Gradient)?$/) ?? [];
    if (gated !== undefined) {
      const kernel = kernels[verb as "siluGate"].bytes[type];
      return ways(gradient === undefined ? 3 : 5, gate(kernel, gradient !== undefined, type));
    }
    switch (verb) {
      case "sum": {
        const call = () => {
          for (const { at, count } of pieces(rows, columns, true))
            kernels.sum.rows[type](sums[0], src[type] + byteLength(type, at), count, 0, columns);
        };
        return [subject(name, type, 1, call)];
      }
      case "norm":
        return ways(4, norm(src[type], type));
      case "normGradient":
        return ways(4, normGradient(type));
      case "softmax":
        return ways(2, softmax(type));
      case "softmaxGradient":
        return ways(3, softmaxGradient(src[type], type));
      default: {
        const kernel = (kernels as unknown as Record<string, Record<string, Record<string, Elementwise>>>)[verb]?.[source]?.[dtype];
        if (kernel === undefined) throw new TypeError(`no kernel ${name}`);
        const matrices = verb === "residual" || verb.endsWith("Gradient") ? 3 : 2;
        return ways(matrices, elementwise(kernel, source, type));
      }
    }
  };

  /** One part of a sequence: a pass in which nothing is dropped. */
  const part = (kernel: Elementwise, from: number, row: number) => () => {
    memory.writeParams(nothing, 0);
    kernel(dst.f32, from, other, row, 0, columns, n, PARAMS, 0);
  };
  const dropoutOf = (from: number, to: number) => withTiles("f32", () => core.dropout.tile.f32(to, from, n, PARAMS)).dropping;
  const dropout = dropoutOf(dst.f32, dst.f32);
  const addBias = part(kernels.none.bytes.f32, src.f32, bias.f32);
  const addResidual = part(kernels.residual.bytes.f32, dst.f32, noBias);
  const sequence = (name: string, matrices: number, ...parts: (() => void)[]) =>
    subject(`${name}, one after another`, "f32", matrices, () => {
      for (const run of parts) run();
    });
  const activation = (name: Activation) => part(kernels[name].bytes.f32, dst.f32, noBias);
  return [
    ...rowsOf(FUSED).flatMap(subjectsOf),
    sequence("bias, dropout, residual", 3, addBias, dropout, addResidual),
    ...ACTIVATIONS.slice(1).map((name) => sequence(`bias, ${name}, dropout`, 2, addBias, activation(name), dropout)),
    // Layer norm has a residual, as there is no kernel of layer norm alone.
    sequence("dropout, residual and layer norm", 4, dropoutOf(src.f32, dst.f32), norm(dst.f32, "f32").keeping),
    sequence("gradient of layer norm, dropout", 4, normGradient("f32").keeping, dropoutOf(dst.f64, dst.f32)),
    sequence("softmax, dropout", 2, softmax("f32").keeping, dropout),
    sequence("dropout, gradient of softmax", 3, dropoutOf(src.f32, dst.f32), softmaxGradient(dst.f32, "f32").keeping),
  ];
}

// The subjects of attention: every kernel of the table with its decisions drawn, n being the number of products of an element of q and one of k, and the
// same operation as a sequence of products of matrices, softmax and dropout over the whole matrix of scores.

import { ATTENTION, type AttentionKernels } from "../../src/attention/kernels.js";
import { bindKernels, type Kernels } from "../../src/engine/kernels.js";
import { PARAMS, type Params } from "../../src/engine/memory.js";
import { pieces } from "../../src/engine/pieces.js";
import { FUSED, type FusedKernels } from "../../src/fused/kernels.js";
import { ATTENTION_RECORD, AttentionField, PANEL, SOFTMAX_RECORD, SoftmaxField } from "../../src/ground/abi.js";
import { Words } from "../../src/ground/words.js";
import { scale, threshold } from "../../src/stream/probability.js";
import { writeFields } from "../../test/support/record.js";
import type { Others } from "./core.js";
import { P, type Placement, type Subject } from "./subject.js";

/** Columns of q, k and v. */
const DEPTH = 64;
/** Queries and keys of a block, as those of src/attention/. */
const ROWS = 64;
const KEYS = 256;

export function subjects(exports: WebAssembly.Exports, place: Placement, core: Kernels, { reference, exportsOf }: Others): Subject[] {
  const kernels = bindKernels<AttentionKernels>(exports, ATTENTION);
  const { memory, n } = place;
  const scores = Math.max(PANEL * PANEL, n / DEPTH);
  const keys = 2 ** Math.ceil(Math.log2(scores) / 2);
  const queries = scores / keys;
  const room = (count: number, value = 0.125) => {
    const pointer = place.room("f32", count);
    memory.view("f32", pointer, count).fill(value);
    return pointer;
  };
  const [q, k, v, dy] = [room(queries * DEPTH), room(keys * DEPTH), room(keys * DEPTH), room(queries * DEPTH)];
  const [y, dq, dk, dv] = [room(queries * DEPTH), room(queries * DEPTH), room(keys * DEPTH), room(keys * DEPTH)];
  const [panels, dyPanels, out] = [room(ROWS * DEPTH), room(ROWS * DEPTH), room(ROWS * DEPTH)];
  const [tile, slopes] = [room(ROWS * KEYS), room(ROWS * KEYS)];
  const [most, sums, live, delta, logSumExp] = [
    room(ROWS),
    room(2 * (ROWS + PANEL)),
    room(ROWS),
    room(queries + PANEL, 0),
    room(queries + PANEL, 1),
  ];
  const limits = place.room("f64", ROWS);
  memory.view("f64", limits, ROWS).fill(keys);
  const keep = place.room("bits", ROWS * keys + 128);
  const record = place.room("f64", ATTENTION_RECORD / 8);

  const stream = new Words();
  const draw: Params = {
    seed: new Words(),
    stream,
    start: 0,
    threshold: threshold(P, "tile"),
    scale: scale(threshold(P, "tile"), "tile", "f32"),
  };
  const write = (fields: Parameters<typeof writeFields<typeof AttentionField>>[3]) => writeFields(memory, record, AttentionField, fields);
  const shared = {
    depth: DEPTH,
    size: DEPTH,
    panels,
    dyPanels,
    tile,
    slopes,
    limits,
    added: 0,
    flags: 0,
    keepStride: keys,
    logitScale: 1,
    out,
  };

  /** Runs over blocks of queries, and of keys for each of them. */
  const blockwise = (drops: boolean, onQueries: (row: number, rows: number) => void, onKeys: () => void, after: () => void) => () => {
    stream.increment();
    write({ ...shared, most, sums, live, scale: drops ? draw.scale : 1 });
    for (let row = 0; row < queries; row += ROWS) {
      const rows = Math.min(ROWS, queries - row);
      memory.writeParams(draw, row * keys);
      if (drops) core.mask.tile.bits(keep, rows * keys, PARAMS);
      kernels.pack.rows.f32(panels, q + 4 * row * DEPTH, rows, DEPTH);
      write({ rows, keep: drops ? keep : 0 });
      onQueries(row, rows);
      for (let key = 0; key < keys; key += KEYS) {
        const at = 4 * key * DEPTH;
        write({ first: key, keys: Math.min(KEYS, keys - key), keepAt: key, k: k + at, v: v + at, dk: dk + at, dv: dv + at });
        onKeys();
      }
      after();
    }
  };
  const forward = (drops: boolean) =>
    blockwise(
      drops,
      (row) => write({ y: y + 4 * row * DEPTH, logSumExp: logSumExp + 4 * row }),
      () => kernels.attend.bits.f32(record),
      () => kernels.finish.rows.f32(record),
    );
  const backward = (kernel: (record: number) => undefined) =>
    blockwise(
      true,
      (row, rows) => {
        const at = 4 * row * DEPTH;
        kernels.pack.rows.f32(dyPanels, dy + at, rows, DEPTH);
        write({ q: q + at, dy: dy + at, dq: dq + at, lse: logSumExp + 4 * row, delta: delta + 4 * row });
      },
      () => kernel(record),
      () => {},
    );

  const whole = [room(scores), room(scores)] as const;
  const keepBytes = place.room("bytes", scores);
  const fused = bindKernels<FusedKernels>(exportsOf("fused"), FUSED);
  const rowRecord = place.room("f64", SOFTMAX_RECORD / 8);
  const packed = room(keys * DEPTH);
  const corner = room(4 * PANEL);
  const unfused = () => {
    stream.increment();
    kernels.pack.rows.f32(packed, k, keys, DEPTH);
    reference.matmul_f32(whole[0], q, packed, queries, DEPTH, keys, 4 * PANEL, 4 * PANEL * DEPTH, corner);
    for (const { at, count, rows } of pieces(queries, keys, true)) {
      memory.writeParams(draw, at);
      core.mask.tile.bytes(keepBytes, count, PARAMS);
      const [result, logits] = [whole[1] + 4 * at, whole[0] + 4 * at];
      const form = { mask: 0, columns: keys, maskRow: 0, maskRows: 0, query: 0, queries: 0, logitScale: 1, scale: draw.scale };
      writeFields(memory, rowRecord, SoftmaxField, { ...form, result, logits, keep: keepBytes, rows });
      fused.softmax.bytes.f32(rowRecord);
    }
    reference.matmul_f32(y, whole[1], v, queries, keys, DEPTH, 4 * DEPTH, 4 * PANEL, corner);
  };

  const subject = (name: string, rows: number, call: () => void): Subject => {
    return { name, group: "kernel", copy: "copy_f32", bytes: 4 * rows * DEPTH, call };
  };
  const all = queries + keys;
  // The log-sum-exps that the gradients read are those of a first call.
  forward(true)();
  return [
    subject("bits_attend_f32", 2 * all, forward(true)),
    subject("bits_attend_f32, nothing dropped", 2 * all, forward(false)),
    subject("q k', softmax, dropout, v, one after another", 2 * all, unfused),
    subject("bits_products_f32", 2 * all, backward(kernels.products.bits.f32)),
    subject("bits_gradient_f32", 4 * all, backward(kernels.gradient.bits.f32)),
    subject("rows_finish_f32", 2 * ROWS, () => kernels.finish.rows.f32(record)),
    subject("rows_pack_f32", 2 * keys, () => kernels.pack.rows.f32(packed, k, keys, DEPTH)),
    subject("rows_dots_f32", 2 * queries, () => kernels.dots.rows.f32(delta, dy, y, queries, DEPTH)),
  ];
}

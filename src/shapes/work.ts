// The work of a call on data and a mask: each function takes scratch and staging, checks nothing else, and returns what then runs and cannot fail.

import { CHUNK, type Memory } from "../engine/memory.js";
import type { Staged, StagedData, Taken, TakenData } from "../engine/operand.js";
import type { Running, Taking } from "../engine/pass.js";
import { PIECE, parts } from "../engine/pieces.js";
import { byteLength } from "../ground/dtypes.js";
import type { Noise } from "./noise-shape.js";
import { piecewise, recordLength, type Walk, walkOf, writeRecord } from "./walk.js";

/** Runs the kernels of a call. */
export type Work = (run: Running) => void;

/** The data of a call. */
export interface Data {
  readonly input: TakenData;
  readonly output: Taken;
}

/** Runs a kernel on elements at..at+n-1 and the bits of a mask along a walk. */
export type Rule = (dst: number, src: number, bits: number, n: number, record: number, at: number) => void;

/** Takes the core's dropout of each element by a decision of its own: it knows 16-bit data, and copies their bits where nothing changes. */
export function takeCore(pass: Taking, { input, output }: Data): Work {
  const src = pass.stageFixedStored(input);
  const dst = pass.stageFixedStored(output);
  const kernel = pass.engine.kernels.dropout[pass.draw.kind][input.stored] as (...args: number[]) => undefined;
  return (run) => void run.elementwise(kernel, dst, src);
}

/** Takes a mask of some decisions, to be drawn before `use` runs, which gets its address; it also goes to `mask`, if the call writes one. */
export function takeDrawn(pass: Taking, decisions: number, mask: Taken | undefined, use: (bits: number) => Work): Work {
  const { draw, engine } = pass;
  const staged = mask === undefined ? undefined : pass.stage(mask, decisions);
  const bits = staged === undefined ? pass.scratch(byteLength("bits", decisions)) : staged.enter(0, decisions);
  const work = use(bits);
  const kernel = engine.kernels.mask[draw.kind].bits;
  return (run) => {
    // Outside training nothing is dropped, though the classic form at p = 1 multiplies by 0.
    if (draw.rescale === "test") fillKept(engine.memory, bits, decisions);
    else for (const { at, count } of parts(decisions, CHUNK)) kernel(bits + at / 8, count, run.params(at));
    staged?.leave(0, decisions);
    work(run);
  };
}

/** Writes a mask that keeps all. */
export function fillKept(memory: Memory, bits: number, decisions: number): void {
  const mask = memory.view("bits", bits, decisions).fill(0xff);
  if (decisions % 8 > 0) mask[mask.length - 1] = (1 << (decisions % 8)) - 1;
}

/** Takes a rule by a mask at `bits`, complete before the work runs, that is broadcast over the data. */
export function takeWalk(pass: Taking, data: Data, { shape, noiseShape }: Noise, bits: number, rule: Rule): Work {
  const walk = walkOf(shape, noiseShape);
  const [src, dst] = stage(pass, data);
  const record = takeRecord(pass, walk);
  return ({ engine }) => {
    writeRecord(engine.memory, record, walk);
    transfer(src, dst, CHUNK, (to, from, at, count) => rule(to, from, bits, count, record, at));
  };
}

/** Takes a rule by a decision for each element, drawn piece by piece, so that the mask takes constant memory. */
export function takePieces(pass: Taking, data: Data, rule: Rule): Work {
  const [src, dst] = stage(pass, data);
  const walk = piecewise(PIECE);
  const record = takeRecord(pass, walk);
  const bits = pass.scratch(byteLength("bits", PIECE));
  const kernel = pass.engine.kernels.mask[pass.draw.kind].bits;
  return (run) => {
    writeRecord(run.engine.memory, record, walk);
    transfer(src, dst, PIECE, (to, from, at, count) => {
      kernel(bits, count, run.params(at));
      rule(to, from, bits, count, record, at);
    });
  };
}

function takeRecord(pass: Taking, walk: Walk): number {
  return pass.scratch(byteLength("f64", recordLength(walk)));
}

function stage(pass: Taking, { input, output }: Data): [src: StagedData, dst: Staged] {
  return [pass.stage(input), pass.stage(output)];
}

/** Runs a kernel on all of the data: at most `most` elements at once where both lie in wasm memory, else piece by piece. */
function transfer(src: Staged, dst: Staged, most: number, kernel: (dst: number, src: number, at: number, count: number) => void): void {
  for (const { at, count } of parts(src.length, src.resident && dst.resident ? most : PIECE)) {
    const from = src.enter(at, count);
    const to = dst.enter(at, count);
    kernel(to, from, at, count);
    dst.leave(at, count);
  }
}

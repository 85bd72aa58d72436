// The broadcasting of a mask over an array, in the form that the kernels walk: assembly/shapes/walk.ts.
// Invariant: neighbouring dimensions of the same sort are one, and dimensions of size 1 none, so that the two sorts alternate.

import type { Memory } from "../engine/memory.js";
import { LevelField, WALK_LEVELS, WalkField } from "../ground/abi.js";

/** A dimension outside the runs. */
interface Level {
  readonly size: number;
  /** Decisions from one place to the next, 0 where the mask is broadcast. */
  readonly step: number;
}

/** An array as runs of elements with one decision, or with one each, and the dimensions outside them from the inside out. */
export interface Walk {
  /** Elements of a run. */
  readonly run: number;
  /** True if each element of a run has a decision of its own. */
  readonly each: boolean;
  readonly levels: readonly Level[];
}

/** The walk over an array of `shape` with a mask of `noiseShape`: as many dimensions, each the same or 1. */
export function walkOf(shape: readonly number[], noiseShape: readonly number[]): Walk {
  const merged: { size: number; each: boolean }[] = [];
  shape.forEach((size, k) => {
    if (size === 1) return;
    const each = noiseShape[k] !== 1;
    const last = merged[merged.length - 1];
    if (last?.each === each) last.size *= size;
    else merged.push({ size, each });
  });
  const inner = merged.pop() ?? { size: 1, each: true };
  const levels: Level[] = [];
  let step = inner.each ? inner.size : 1;
  for (const { size, each } of merged.reverse()) {
    levels.push({ size, step: each ? step : 0 });
    if (each) step *= size;
  }
  return { run: inner.size, each: inner.each, levels };
}

/** The walk over pieces of `most` elements of which each element has its own decision in the same, often rewritten mask. */
export function piecewise(most: number): Walk {
  return { run: most, each: true, levels: [] };
}

// In f64: all in front of the levels.
const RECORD = WALK_LEVELS / 8;

// The kernel expects a level, even if it is of size 1.
const NO_LEVEL: Level = { size: 1, step: 0 };

/** Number of f64 that the kernel's record of a walk takes. */
export function recordLength({ levels }: Walk): number {
  return RECORD + LevelField.fields * Math.max(levels.length, 1);
}

/** Writes the kernel's record of a walk, which is to start with the array's first element. */
export function writeRecord(memory: Memory, pointer: number, walk: Walk): void {
  const levels = walk.levels.length > 0 ? walk.levels : [NO_LEVEL];
  const record = memory.view("f64", pointer, recordLength(walk));
  record.fill(0);
  record[WalkField.run] = walk.run;
  record[WalkField.each] = walk.each ? 1 : 0;
  record[WalkField.levels] = levels.length;
  levels.forEach(({ size, step }, k) => {
    const level = RECORD + LevelField.fields * k;
    record[level + LevelField.size] = size;
    record[level + LevelField.step] = step;
  });
}

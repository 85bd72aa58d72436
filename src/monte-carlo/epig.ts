// The expected predictive information gain: what the label of a pool point would say about the labels of target points.

import { PIECE } from "../engine/pieces.js";
import { checkInteger, wrongValue } from "../ground/check.js";
import { readKept } from "./kept.js";
import { checkSameRun, type Earlier, type Entropies, type Run, readPrediction } from "./prediction.js";

type Floats = Float64Array<ArrayBuffer>;

/** The probabilities of rows in passes that all rows share. */
interface Rows {
  readonly count: number;
  /** [rows, passes, classes], each row's sum 1. */
  readonly values: Floats;
}

/**
 * Computes EPIG(x) = E_x* I(y; y* | x, x*) for rows x of `pool`: entropies of the mean probabilities of both and of the mean of their products, in which
 * a pass counts once for both.
 */
export function epig(pool: unknown, targets: unknown, entropies: Entropies): Floats {
  const [points, aims, passes, classes] = readRows(pool, targets);
  const own = (rows: Rows) => entropies(meansOf(rows, passes, classes), rows.count);
  const [ofPoints, ofAims] = [own(points), own(aims)];
  const gains = new Float64Array(points.count).fill(aims.count === 0 ? Number.NaN : 0);
  // Joint probabilities of a row with some targets at once: memory does not grow with their number.
  const square = classes * classes;
  const most = Math.max(1, Math.floor(PIECE / square));
  const joint = new Float64Array(Math.min(most, aims.count) * square);
  for (let first = 0; first < aims.count; first += most) {
    const some = Math.min(most, aims.count - first);
    const part = joint.subarray(0, some * square);
    for (let row = 0; row < points.count; ++row) {
      for (let k = 0; k < some; ++k) addProducts(part, k * square, points.values, row, aims.values, first + k, passes, classes);
      const ofBoth = entropies(part, some);
      let gain = 0;
      // Rounding below 0 counts as 0, which no exact value is below.
      for (let k = 0; k < some; ++k) gain += Math.max(0, (ofPoints[row] as number) + (ofAims[first + k] as number) - (ofBoth[k] as number));
      gains[row] = (gains[row] as number) + gain / aims.count;
    }
  }
  return gains;
}

/** Sets a square of `joint` to the means over the passes of p(c) q(d), p being a row of `points` and q one of `aims`. */
function addProducts(
  joint: Floats,
  at: number,
  points: Floats,
  row: number,
  aims: Floats,
  aim: number,
  passes: number,
  classes: number,
): void {
  joint.fill(0, at, at + classes * classes);
  let p = row * passes * classes;
  let q = aim * passes * classes;
  for (let pass = 0; pass < passes; ++pass, p += classes, q += classes) {
    for (let c = 0, to = at; c < classes; ++c) {
      const share = (points[p + c] as number) / passes;
      for (let d = 0; d < classes; ++d, ++to) joint[to] = (joint[to] as number) + share * (aims[q + d] as number);
    }
  }
}

function meansOf({ count, values }: Rows, passes: number, classes: number): Floats {
  const means = new Float64Array(count * classes);
  for (let row = 0, at = 0; row < count; ++row) {
    for (let pass = 0; pass < passes; ++pass) {
      for (let c = 0; c < classes; ++c, ++at) {
        const to = row * classes + c;
        means[to] = (means[to] as number) + (values[at] as number) / passes;
      }
    }
  }
  return means;
}

/** Reads the rows of pool and targets. Throws TypeError or RangeError unless both are of a classifier in the same passes. */
function readRows(pool: unknown, targets: unknown): [points: Rows, aims: Rows, passes: number, classes: number] {
  const all = readPrediction(pool, "pool");
  const [rows, passes, classes] = rowsOf(all, "pool");
  if (typeof targets === "number") {
    const { samples } = all.run;
    checkInteger(targets, "targets", 1, samples);
    const perSample = rows.count / samples;
    if (!Number.isInteger(perSample)) throw wrongValue("pool.outputShape", `rows for each of ${samples} samples`, `${rows.count} rows`);
    const end = (samples - targets) * perSample;
    return [partOf(rows, 0, end, passes * classes), partOf(rows, end, rows.count, passes * classes), passes, classes];
  }
  const others = readPrediction(targets, "targets");
  const [aims] = rowsOf(others, "targets");
  const { samples, firstSample, outputShape } = all.run;
  checkSameRun(withoutShape({ ...others.run, samples, firstSample }, outputShape), all.run, "targets");
  if (`${others.ranges}` !== `${all.ranges}`) {
    throw wrongValue("targets.ranges", `the passes of "pool", ${JSON.stringify(all.ranges)}`, JSON.stringify(others.ranges));
  }
  for (const [name, { seedUsed }] of [["pool", all] as const, ["targets", others] as const]) {
    if (seedUsed) continue;
    const expected =
      "true: passes of a model that no seed reaches are not the same in two runs (predict all examples in one run, and give the number of targets)";
    throw wrongValue(`${name}.seedUsed`, expected, "false");
  }
  return [rows, aims, passes, classes];
}

function withoutShape({ outputShape: _, ...run }: Run, outputShape: Run["outputShape"]): Run {
  return outputShape === undefined ? run : { ...run, outputShape };
}

/** Returns the rows of a prediction, with the numbers of its passes and classes. */
function rowsOf({ run, layout, totals }: Earlier, name: string): [Rows, passes: number, classes: number] {
  if (layout === undefined) throw wrongValue(`${name}.classes`, "number of classes, as of a classifier", "undefined");
  if (run.output === "sigmoids")
    throw wrongValue(`${name}.output`, '"probabilities" or "logits": one class of a row is right', '"sigmoids"');
  if (run.masks !== "perPass") {
    throw wrongValue(`${name}.masks`, '"perPass": a pass is one model for all examples', JSON.stringify(run.masks));
  }
  const passOutputs = readKept(totals, name);
  const { passes } = totals;
  const { classes, rows: count } = layout;
  const values = new Float64Array(passOutputs.length);
  for (let row = 0, to = 0; row < count; ++row) {
    for (let pass = 0; pass < passes; ++pass, to += classes) {
      const from = (pass * count + row) * classes;
      let sum = 0;
      for (let c = 0; c < classes; ++c) sum += passOutputs[from + c] as number;
      // Sums that are 1 to rounding only would show as information.
      for (let c = 0; c < classes; ++c) values[to + c] = (passOutputs[from + c] as number) / sum;
    }
  }
  return [{ count, values }, passes, classes];
}

function partOf({ values }: Rows, first: number, end: number, size: number): Rows {
  return { count: end - first, values: values.subarray(first * size, end * size) };
}

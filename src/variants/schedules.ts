// Rates that change with the step of training or the depth of a block, and the regularizer of Concrete dropout: pure functions.

import { checkAmount, checkChoice, checkInteger, checkNumber, checkProbability } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";

/** A rate that changes with the step of training. */
export interface Schedule {
  /** Rate at step 0, in [0, 1]; 0 by default. */
  from?: number | undefined;
  /** Rate from step `steps` on, in [0, 1]. */
  to: number;
  /** Number of steps that the change takes, an integer of at least 0. */
  steps: number;
  /** "linear" (default), "cosine" (half a period), or "exponential", which has come within e^-10 of `to` (curriculum dropout). */
  curve?: (typeof CURVES)[number] | undefined;
}
const CURVES = ["linear", "cosine", "exponential"] as const;
const SCHEDULE_KEYS: Known = /* @__PURE__ */ known("from", "to", "steps", "curve");
// Morerio et al. 2017, section 3: gamma = 10 / T.
const GAMMA = 10;

/**
 * Returns the rate at a step of training. Early dropout falls from a rate to 0 and late dropout is switched on by its step (Liu et al. 2023); curriculum
 * dropout rises exponentially (Morerio et al. 2017).
 *
 * @param step integer of at least 0
 * @param schedule see {@link Schedule}
 * @returns a rate between `from` and `to`
 * @throws TypeError for a wrong kind of argument, RangeError for a value out of range
 * @example
 * import { scheduledRate } from "wasm-dropout/variants";
 * const early = scheduledRate(250, { from: 0.2, to: 0, steps: 1000 }); // 0.15
 */
export function scheduledRate(step: number, schedule: Schedule): number {
  checkInteger(step, "step", 0, Number.MAX_SAFE_INTEGER);
  checkOptions(schedule, SCHEDULE_KEYS, "schedule");
  const { from = 0, to, steps, curve = "linear" } = schedule;
  checkProbability(from, "schedule.from");
  checkProbability(to, "schedule.to");
  checkInteger(steps, "schedule.steps", 0, Number.MAX_SAFE_INTEGER);
  checkChoice(curve, "schedule.curve", CURVES);
  if (step >= steps) return to;
  const done = step / steps;
  const share = curve === "linear" ? done : curve === "cosine" ? (1 - Math.cos(Math.PI * done)) / 2 : 1 - Math.exp(-GAMMA * done);
  return from + (to - from) * share;
}

/** The first and last rates of blocks: "huang", p / L to p; "timm", 0 to p. */
export type DepthRule = (typeof DEPTH_RULES)[number];
const DEPTH_RULES = ["huang", "timm"] as const;
const DEPTH_KEYS: Known = /* @__PURE__ */ known("rule");

/**
 * Returns the rates of stochastic depth, which rise linearly with the depth: p l / L of block l of L (Huang et al. 2016, section 3), or from 0 on as timm
 * has them.
 *
 * @param p rate of the last block, in [0, 1]
 * @param depth number of blocks, L, an integer of at least 0
 * @param options `rule`: "huang" (default) or "timm"
 * @returns the rates of the blocks, for {@link Shapes.dropPath}
 * @throws TypeError for a wrong kind of argument, RangeError for a value out of range
 * @example
 * import { depthRates } from "wasm-dropout/variants";
 * const rates = depthRates(0.2, 4); // [0.05, 0.1, 0.15, 0.2]
 */
export function depthRates(p: number, depth: number, options: { readonly rule?: DepthRule | undefined } = {}): number[] {
  checkProbability(p, "p");
  checkInteger(depth, "depth", 0, 2 ** 20);
  checkOptions(options, DEPTH_KEYS);
  const { rule = "huang" } = options;
  checkChoice(rule, "rule", DEPTH_RULES);
  return Array.from({ length: depth }, (_, l) => (rule === "huang" ? (p * (l + 1)) / depth : depth === 1 ? 0 : (p * l) / (depth - 1)));
}

/** A term of a loss and its derivatives. */
export interface ConcreteTerm {
  /** The term to add to the loss. */
  readonly loss: number;
  /** Its derivative with respect to p. */
  readonly dp: number;
  /** The factor of each weight in its derivative with respect to the weights. */
  readonly dw: number;
}
const TERM_KEYS: Known = /* @__PURE__ */ known("squares", "inputs", "weightScale", "dropoutScale");

/**
 * Returns the regularizer of a layer behind Concrete dropout: weightScale |W|^2 / (1 - p) + dropoutScale K (p ln p + (1 - p) ln(1 - p)) (Gal, Hron, Kendall
 * 2017, equations 3 and 4, in the form of their code). Without it p falls to 0.
 *
 * @param p drop probability in (0, 1)
 * @param options `squares`: |W|^2, the sum of the squares of the layer's weights; `inputs`: K, the number of its inputs; `weightScale`: l^2 / N and
 * `dropoutScale`: 2 / (tau N) for N examples, length scale l and model precision tau
 * @returns the term, and its derivatives
 * @throws TypeError for a wrong kind of argument, RangeError for a value out of range
 * @example
 * import { concreteRegularizer } from "wasm-dropout/variants";
 * const { loss, dp } = concreteRegularizer(0.1, { squares: 12.5, inputs: 64, weightScale: 1e-6, dropoutScale: 2e-3 });
 */
export function concreteRegularizer(
  p: number,
  options: { readonly squares: number; readonly inputs: number; readonly weightScale: number; readonly dropoutScale: number },
): ConcreteTerm {
  checkNumber(p, "p", Number.MIN_VALUE, 1 - 2 ** -53);
  checkOptions(options, TERM_KEYS);
  const { squares, inputs, weightScale, dropoutScale } = options;
  checkAmount(squares, "squares");
  checkInteger(inputs, "inputs", 0, Number.MAX_SAFE_INTEGER);
  checkAmount(weightScale, "weightScale");
  checkAmount(dropoutScale, "dropoutScale");
  const keep = 1 - p;
  return {
    loss: (weightScale * squares) / keep + dropoutScale * inputs * (p * Math.log(p) + keep * Math.log(keep)),
    dp: (weightScale * squares) / (keep * keep) + dropoutScale * inputs * (Math.log(p) - Math.log(keep)),
    dw: (2 * weightScale) / keep,
  };
}

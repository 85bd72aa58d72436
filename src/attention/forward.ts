// Attention with dropout, a block of queries after another, each over blocks of keys.

import { type ForwardPlan, readForward } from "../core/options.js";
import type { AnyData } from "../engine/operand.js";
import type { Operation, Running } from "../engine/pass.js";
import { takeMask, takeMaskShape } from "../fused/attention.js";
import { checkKept } from "../fused/operands.js";
import { ATTENTION_KEYS as MOST_KEYS } from "../ground/abi.js";
import { checkFlag, wrongKind, wrongValue } from "../ground/check.js";
import { byteLength } from "../ground/dtypes.js";
import { productOf, showShape } from "../ground/shape.js";
import { Block, keysOfBlock, panelsOf, queryBlocks, Window } from "./block.js";
import { Decisions } from "./decisions.js";
import { type Form, readForm } from "./form.js";
import type { AttentionKernels } from "./kernels.js";
import { takeF32 } from "./operands.js";
import { ATTENTION_KEYS, type AttentionOptions } from "./options.js";
import type { AttentionTicket } from "./ticket.js";

/** Queries of a block: the more there are, the less k and v are staged anew. */
const ROWS = 128;
/** Keys of a query that are drawn at once. */
const SPAN = 4096;

/** A forward call, as read. */
interface Plan {
  readonly common: ForwardPlan;
  readonly q: AnyData;
  readonly k: unknown;
  readonly v: unknown;
  readonly form: Form;
  readonly mask: unknown;
  readonly maskShape: readonly number[] | undefined;
  readonly logSumExp: unknown;
  readonly backward: boolean;
}

interface Result {
  readonly y: unknown;
  readonly logSumExp: unknown;
  readonly ticket: AttentionTicket;
}

/** y = dropout(softmax(scale * q k' + mask)) v. */
export function attentionForward(kernels: AttentionKernels): Operation<[q: AnyData, p: number, options: unknown], Plan, Result> {
  return {
    read(q, p, options) {
      const common = readForward(p, options, ATTENTION_KEYS);
      const given = options as AttentionOptions;
      const { k, v, shape, kShape, vShape, scale, causal = false, keyLengths, attentionMask, maskShape, logSumExp } = given;
      const { backward = common.training } = given;
      const form = readForm({ shape, kShape, vShape, scale, causal, keyLengths }, "");
      checkFlag(backward, "backward");
      if (maskShape !== undefined && attentionMask === undefined)
        throw wrongKind("maskShape", 'undefined without "attentionMask"', maskShape);
      const copy = maskShape === undefined ? undefined : takeMaskShape(maskShape, "maskShape", form.sizes.scores);
      return { common, q, k, v, form, mask: attentionMask, maskShape: copy, logSumExp, backward };
    },
    take(pass, plan) {
      const { draw } = pass;
      const { common, form } = plan;
      const { sizes } = form;
      const { problems, rows: perProblem, keys, depth, size } = sizes;
      const total = problems * perProblem;
      draw.choose(common.kind, common.seed, common.stream);
      const q = takeF32(pass, plan.q, "q", common.half);
      const { stored } = q;
      if (q.length !== productOf(form.shape)) throw wrongValue("shape", `dimensions whose product is ${q.length}`, showShape(form.shape));
      const k = pass.input(plan.k, "k", stored, productOf(form.kShape));
      const v = pass.input(plan.v, "v", stored, productOf(form.vShape));
      const mask = takeMask(pass, plan.mask, plan.maskShape, sizes.scores, stored);
      draw.range(total * keys, common.start);
      draw.chance(common.p, "train", common.training);
      const [y, logSumExp] = pass.outputs(plan.q, [
        { name: "out", value: common.out, dtype: stored, length: total * size, same: size === depth ? [q] : [] },
        { name: "logSumExp", value: plan.logSumExp, dtype: "f32", length: total },
      ]);
      const overwritten = checkKept(y, q, plan.backward);

      const most = Math.min(ROWS, perProblem);
      const all = panelsOf(most);
      const step = keysOfBlock(sizes, MOST_KEYS);
      const [stagedQ, stagedY] = [pass.stage(q, most * depth), pass.stage(y, most * size)];
      const [windowK, windowV] = [new Window(pass, k, step, depth), new Window(pass, v, step, size)];
      const stagedL = pass.stage(logSumExp, most);
      const panels = pass.scratch(byteLength("f32", all * depth));
      const tile = pass.scratch(byteLength("f32", panelsOf(1) * step));
      const out = pass.scratch(byteLength("f32", all * size));
      const [most32, sums, live] = [pass.scratch(4 * all), pass.scratch(8 * all), pass.scratch(4 * all)];
      const decisions = new Decisions(pass, keys, most, SPAN, SPAN);
      const block = new Block(pass, form, mask, decisions, most, Math.min(step, keys));
      const { shape, kShape, vShape, scale, causal, keyLengths } = form;
      const masked = mask === undefined ? undefined : { maskShape: mask.shape, maskKind: mask.kind };
      const padded = keyLengths === undefined ? undefined : { keyLengths };
      const lost = overwritten ? { overwritten } : undefined;
      return (run) => {
        block.write({ depth, size, panels, tile, out, most: most32, sums, live, logitScale: scale, scale: run.scale });
        for (let problem = 0; problem < problems; ++problem) {
          for (const { row, rows } of queryBlocks(sizes, ROWS)) {
            const at = problem * perProblem + row;
            kernels.pack.rows.f32(panels, stagedQ.enter(at * depth, rows * depth), rows, depth);
            attendTo(run, at, rows, problem * keys);
            block.write({ y: stagedY.enter(at * size, rows * size), logSumExp: stagedL.enter(at, rows) });
            kernels.finish.rows.f32(block.record);
            stagedY.leave(at * size, rows * size);
            stagedL.leave(at, rows);
          }
        }
        const ticket = run.ticket("attention");
        return {
          y: y.array,
          logSumExp: logSumExp.array,
          ticket: Object.assign(ticket, { shape, kShape, vShape, scale, causal }, masked, padded, lost),
        };
      };

      /** Runs over the keys, which begin at row `first` of k and v, for the block of queries from row `at` on. */
      function attendTo(run: Running, at: number, rows: number, first: number): void {
        const seen = block.goTo(at, rows);
        // Once where there are no keys as well: the first block begins the sums.
        for (let key = 0; key === 0 || key < seen; key += step) {
          const some = Math.min(step, seen - key);
          block.goToKeys(run, key, some);
          const staged = Math.min(step, keys - key);
          block.write({ k: windowK.enter(first + key, staged), v: windowV.enter(first + key, staged) });
          kernels.attend.bits.f32(block.record);
        }
      }
    },
  };
}

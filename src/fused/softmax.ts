// Softmax and dropout of rows of attention scores in one sweep, and its gradient.
// Invariant: a result depends on the operands' values and the mask, not on where the operands lie and in what parts they are taken.

import { type ForwardPlan, readForward } from "../core/options.js";
import type { AnyData, Taken, TakenData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { ROW_FIELDS, SOFTMAX_RECORD, SoftmaxField } from "../ground/abi.js";
import { checkChoice, checkFlag, checkNumber, wrongKind, wrongValue } from "../ground/check.js";
import { byteLength, LARGEST } from "../ground/dtypes.js";
import { checkOptions } from "../ground/options.js";
import { MAX_RANK, productOf, showShape, takeShape } from "../ground/shape.js";
import { maskDtype, rowsOf, type TakenMask, takeAddedRows, takeKeyLengths, takeMask, takeMaskShape } from "./attention.js";
import type { FusedKernels, RowKernel } from "./kernels.js";
import { checkGradient, checkKept } from "./operands.js";
import { SOFTMAX_BACKWARD_KEYS, SOFTMAX_KEYS, SOFTMAX_SAVED_KEYS, type SoftmaxBackwardOptions, type SoftmaxOptions } from "./options.js";
import { Sweep } from "./sweep.js";
import { checkBoolean, drawAgain, MASK_KINDS, type MaskKind, type SoftmaxTicket, type StoredTicket } from "./ticket.js";

/** The form of softmax. */
interface Form {
  readonly shape: readonly number[];
  readonly scale: number;
  readonly causal: boolean;
  readonly keyLengths?: readonly number[] | undefined;
}

/** Checks and copies the form that options or a ticket give; `prefix` is what goes before names. */
function readForm(given: { readonly [K in keyof Form]?: unknown }, prefix: string): Form {
  const { shape, scale, causal, keyLengths } = given;
  checkBoolean(causal, `${prefix}causal`);
  checkNumber(scale, `${prefix}scale`, -LARGEST.f32, LARGEST.f32);
  const copy = takeShape(shape, `${prefix}shape`, [causal ? 2 : 1, MAX_RANK]);
  const lengths = keyLengths === undefined ? undefined : takeKeyLengths(keyLengths, `${prefix}keyLengths`, copy);
  return { shape: copy, scale, causal, keyLengths: lengths };
}

/** A forward call, as read. */
interface SoftmaxPlan {
  readonly common: ForwardPlan;
  readonly logits: AnyData;
  readonly form: Form;
  readonly mask: unknown;
  readonly maskShape: readonly number[] | undefined;
  readonly probabilities: unknown;
  readonly backward: boolean;
}

/** y = dropout(softmax(scale * logits + mask)). */
export function softmaxForward(
  kernels: FusedKernels,
): Operation<[logits: AnyData, p: number, options: unknown], SoftmaxPlan, { y: unknown; probabilities: unknown; ticket: SoftmaxTicket }> {
  return {
    read(logits, p, options) {
      const common = readForward(p, options, SOFTMAX_KEYS);
      const given = options as SoftmaxOptions;
      const { shape, scale = 1, causal = false, keyLengths, attentionMask, maskShape, probabilities = false } = given;
      const { backward = common.training } = given;
      const form = readForm({ shape, scale, causal, keyLengths }, "");
      checkFlag(backward, "backward");
      if (maskShape !== undefined && attentionMask === undefined)
        throw wrongKind("maskShape", 'undefined without "attentionMask"', maskShape);
      const copy = maskShape === undefined ? undefined : takeMaskShape(maskShape, "maskShape", form.shape);
      return { common, logits, form, mask: attentionMask, maskShape: copy, probabilities, backward };
    },
    take(pass, plan) {
      const { draw } = pass;
      const { common, form } = plan;
      draw.choose(common.kind, common.seed, common.stream);
      const logits = pass.data(plan.logits, "logits", common.half);
      const { stored, computed, length } = logits;
      checkLength(form, "shape", length);
      const mask = takeMask(pass, plan.mask, plan.maskShape, form.shape, stored);
      draw.range(length, common.start);
      draw.chance(common.p, "train", common.training);
      const outputs = [{ name: "out", value: common.out, dtype: stored, length, same: [logits] }];
      const { probabilities: wanted } = plan;
      const value = wanted === true ? undefined : wanted;
      if (wanted !== false) outputs.push({ name: "probabilities", value, dtype: stored, length, same: [logits] });
      const [output, probabilities] = pass.outputs(plan.logits, outputs) as [Taken, Taken?];
      const kept = [output, ...(probabilities === undefined ? [] : [probabilities])].map((one) => checkKept(one, logits, plan.backward));
      const overwritten = kept.includes(true);
      const apply = takeSoftmax(pass, kernels.softmax.bytes[computed], form, mask, logits, { output, probabilities });
      const { shape, scale, causal, keyLengths } = form;
      const masked = mask === undefined ? undefined : { maskShape: mask.shape, maskKind: mask.kind };
      const padded = keyLengths === undefined ? undefined : { keyLengths };
      const lost = overwritten ? { overwritten } : undefined;
      return (run) => {
        apply(run);
        const extra = probabilities?.array;
        return {
          y: output.array,
          probabilities: extra,
          ticket: Object.assign(run.ticket("softmaxDropout"), { shape, scale, causal }, masked, padded, lost),
        };
      };
    },
  };
}

/** A backward call, as read. */
interface BackwardPlan {
  readonly dy: AnyData;
  readonly ticket: StoredTicket;
  readonly form: Form;
  readonly maskShape: readonly number[] | undefined;
  readonly maskKind: MaskKind | undefined;
  readonly logits: unknown;
  readonly mask: unknown;
  readonly dlogits: unknown;
  readonly half: unknown;
  readonly backward: boolean;
}

/** dlogits = scale * P * (dP - sum of dP * P). */
export function softmaxBackward(
  kernels: FusedKernels,
): Operation<[dy: AnyData, ticket: StoredTicket, saved: unknown, options: unknown], BackwardPlan, { dlogits: unknown }> {
  return {
    read(dy, ticket, saved, options) {
      const form = readForm(ticket, "ticket.");
      const { maskShape, maskKind } = ticket;
      const copy = maskShape === undefined ? undefined : takeMaskShape(maskShape, "ticket.maskShape", form.shape);
      if (copy !== undefined) checkChoice(maskKind, "ticket.maskKind", MASK_KINDS);
      checkOptions(saved, SOFTMAX_SAVED_KEYS, "saved");
      checkOptions(options, SOFTMAX_BACKWARD_KEYS);
      const { logits, attentionMask } = saved as { [name: string]: unknown };
      const { dlogits, dtype, backward = true } = options as SoftmaxBackwardOptions;
      checkFlag(backward, "backward");
      const kind = copy === undefined ? undefined : (maskKind as MaskKind);
      return { dy, ticket, form, maskShape: copy, maskKind: kind, logits, mask: attentionMask, dlogits, half: dtype, backward };
    },
    take(pass, { dy, ticket, form, maskShape, maskKind, ...plan }) {
      drawAgain(pass.draw, ticket);
      const { length } = pass.draw;
      checkLength(form, "ticket.shape", length);
      const input = pass.data(dy, "dy", plan.half);
      checkGradient(input, length);
      const { stored, computed } = input;
      const logits = pass.input(plan.logits, "saved.logits", stored, length) as TakenData;
      const mask =
        maskShape === undefined || maskKind === undefined
          ? undefined
          : {
              operand: pass.input(plan.mask, "saved.attentionMask", maskDtype(maskKind, stored), productOf(maskShape)),
              shape: maskShape,
              kind: maskKind,
            };
      const output = pass.output(plan.dlogits, "dlogits", stored, length, dy, input, logits);
      checkKept(output, logits, plan.backward);
      const apply = takeSoftmax(pass, kernels.softmaxGradient.bytes[computed], form, mask, logits, { output, dy: input });
      return (run) => {
        apply(run);
        return { dlogits: output.array };
      };
    },
  };
}

function checkLength({ shape }: Form, name: string, length: number): void {
  if (productOf(shape) !== length) throw wrongValue(name, `dimensions whose product is ${length}`, showShape(shape));
}

/** Takes the sweep of softmax, or with dy of its gradient. */
function takeSoftmax(
  pass: Taking,
  kernel: RowKernel,
  { shape, scale, causal, keyLengths }: Form,
  mask: TakenMask | undefined,
  logits: TakenData,
  { output, dy, probabilities }: { output: Taken; dy?: Taken; probabilities?: Taken | undefined },
): (run: Running) => void {
  const { memory } = pass.engine;
  const columns = shape[shape.length - 1] as number;
  const queries = causal ? (shape[shape.length - 2] as number) : 0;
  const { computed } = logits;
  const added = takeAddedRows(pass, shape, mask, keyLengths, computed);
  const sweep = Sweep.ofRows(pass, columns === 0 ? 0 : rowsOf(shape), columns, added.period);
  const from = sweep.matrix(logits);
  const to = sweep.matrix(output);
  const gradient = dy === undefined ? undefined : sweep.matrix(dy);
  const before = probabilities === undefined ? undefined : sweep.matrix(probabilities);
  const row = gradient === undefined ? 0 : pass.scratch(byteLength(computed, columns));
  const record = pass.scratch(SOFTMAX_RECORD);
  sweep.drawBytes();
  return (run) => {
    const fields = memory.view("f64", record, ROW_FIELDS);
    fields[SoftmaxField.columns] = columns;
    fields[SoftmaxField.queries] = queries;
    fields[SoftmaxField.logitScale] = scale;
    fields[SoftmaxField.scale] = run.scale;
    fields[SoftmaxField.row] = row;
    fields[SoftmaxField.probabilities] = 0;
    sweep.run(run, (at, count, keep, first, rows) => {
      fields[SoftmaxField.result] = to.enter(at, count);
      fields[SoftmaxField.logits] = from.enter(at, count);
      if (before !== undefined) fields[SoftmaxField.probabilities] = before.enter(at, count);
      fields[SoftmaxField.dy] = gradient === undefined ? 0 : gradient.enter(at, count);
      fields[SoftmaxField.mask] = added.address(first, rows);
      fields[SoftmaxField.maskRow] = added.maskRow(first);
      fields[SoftmaxField.maskRows] = added.maskRows(rows);
      fields[SoftmaxField.keep] = keep;
      fields[SoftmaxField.rows] = rows;
      fields[SoftmaxField.query] = queries === 0 ? 0 : first % queries;
      kernel(record);
    });
  };
}

// The gradients of attention: blocks of keys one after another, each with all blocks of queries, so that dk and dv of a block are summed where they are
// needed once, and dq is added to.

import type { AnyData, Staged, Taken } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { maskDtype } from "../fused/attention.js";
import { checkGradient, takeGradients } from "../fused/operands.js";
import { byteLength, isHalf } from "../ground/dtypes.js";
import { checkOptions } from "../ground/options.js";
import { productOf } from "../ground/shape.js";
import { Block, keysOfBlock, panelsOf, queryBlocks, Window } from "./block.js";
import { Decisions } from "./decisions.js";
import type { AttentionKernels } from "./kernels.js";
import { takeF32 } from "./operands.js";
import { ATTENTION_BACKWARD_KEYS, ATTENTION_SAVED_KEYS, type AttentionBackwardOptions } from "./options.js";
import { readTicket } from "./ticket.js";

/** Queries of a block. */
const ROWS = 64;
/** The most keys of a block: four matrices have a block of them. */
const KEYS = 256;
/** The most keys of a query that are drawn again with every block of keys. */
const DRAWN = 2048;

/** A backward call, as read. */
interface Plan {
  readonly dy: AnyData;
  readonly ticket: unknown;
  readonly saved: { readonly [name: string]: unknown };
  readonly dq: unknown;
  readonly dk: unknown;
  readonly dv: unknown;
  readonly half: unknown;
}

interface Result {
  readonly dq: unknown;
  readonly dk: unknown;
  readonly dv: unknown;
}

export function attentionBackward(
  kernels: AttentionKernels,
): Operation<[dy: AnyData, ticket: unknown, saved: unknown, options: unknown], Plan, Result> {
  return {
    read(dy, ticket, saved, options) {
      checkOptions(saved, ATTENTION_SAVED_KEYS, "saved");
      checkOptions(options, ATTENTION_BACKWARD_KEYS);
      const { q, k, v, y, logSumExp, attentionMask } = saved as { [name: string]: unknown };
      const { dq, dk, dv, dtype } = options as AttentionBackwardOptions;
      return { dy, ticket, saved: { q, k, v, y, logSumExp, attentionMask }, dq, dk, dv, half: dtype };
    },
    take(pass, plan) {
      const stored = readTicket(pass.draw, plan.ticket);
      const { form } = stored;
      const { sizes } = form;
      const { problems, rows: perProblem, keys, depth, size } = sizes;
      const total = problems * perProblem;
      const dy = takeF32(pass, plan.dy, "dy", plan.half);
      checkGradient(dy, total * size);
      const dtype = dy.stored;
      const saved = (name: string, length: number, of = dtype as Taken["stored"]) =>
        pass.input(plan.saved[name], `saved.${name}`, of, length);
      const q = saved("q", total * depth);
      const k = saved("k", problems * keys * depth);
      const v = saved("v", problems * keys * size);
      const logSumExp = saved("logSumExp", total, "f32");
      const y = plan.saved.y === undefined ? undefined : saved("y", total * size);
      const mask =
        stored.mask === undefined
          ? undefined
          : { ...stored.mask, operand: saved("attentionMask", productOf(stored.mask.shape), maskDtype(stored.mask.kind, dtype)) };
      const gradients = takeGradients(pass, plan.dy, {
        dq: { value: plan.dq, dtype, length: q.length },
        dk: { value: plan.dk, dtype, length: k.length },
        dv: { value: plan.dv, dtype, length: v.length },
      });

      const most = Math.min(ROWS, perProblem);
      const step = keysOfBlock(sizes, KEYS);
      const blockKeys = Math.min(step, keys);
      const all = panelsOf(most);
      const room = (count: number) => pass.scratch(byteLength("f32", count));
      const window = (operand: Taken, rows: number, columns: number) => new Window(pass, operand, rows, columns);
      const [windowQ, windowDy] = [window(q, most, depth), window(dy, most, size)];
      const windowY = y === undefined ? undefined : window(y, most, size);
      const [windowK, windowV, windowL] = [window(k, blockKeys, depth), window(v, blockKeys, size), window(logSumExp, most, 1)];
      const stage = (operand: Taken | undefined, count: number) => (operand === undefined ? undefined : pass.stage(operand, count));
      const [stagedK, stagedV] = [stage(gradients.dk, blockKeys * depth), stage(gradients.dv, blockKeys * size)];
      const sumsQ = gradients.dq === undefined ? undefined : new Sums(pass, gradients.dq, most * depth, perProblem * depth);
      const [panels, dyPanels] = [room(all * depth), room(all * size)];
      const [tile, slopes] = [room(all * blockKeys), room(all * blockKeys)];
      const [lse, sums] = [room(all), pass.scratch(8 * (all + panelsOf(1)))];
      // Kernels read whole panels.
      const delta = room(perProblem + panelsOf(1));
      const decisions = new Decisions(pass, keys, most, DRAWN, step);
      const block = new Block(pass, form, mask, decisions, most, blockKeys);
      const { memory } = pass.engine;

      return (run) => {
        const scale = Number.isFinite(run.scale) ? run.scale : 0;
        block.write({ depth, size, panels, dyPanels, tile, slopes, lse, sums, logitScale: form.scale, scale });
        for (let problem = 0; problem < problems; ++problem) {
          sumProducts(run, problem);
          for (let key = 0; key === 0 || key < keys; key += step) addKeys(run, problem, key, Math.min(step, keys - key));
          sumsQ?.finish(problem);
        }
        return { dq: gradients.dq?.array, dk: gradients.dk?.array, dv: gradients.dv?.array };
      };

      /** Writes the sums of dy * y of a problem, which are those of P dP. */
      function sumProducts(run: Running, problem: number): void {
        for (const { row, rows } of queryBlocks(sizes, ROWS)) {
          const at = problem * perProblem + row;
          if (windowY !== undefined) {
            kernels.dots.rows.f32(delta + 4 * row, windowDy.enter(at, rows), windowY.enter(at, rows), rows, size);
            continue;
          }
          const seen = goTo(at, rows);
          for (let key = 0; key === 0 || key < seen; key += step) {
            goToKeys(run, problem, key, Math.min(step, keys - key));
            kernels.products.bits.f32(block.record);
          }
          memory.view("f32", delta + 4 * row, rows).set(memory.view("f64", sums, rows));
        }
      }

      /** Adds to the gradients what comes of `count` keys from `key` on. */
      function addKeys(run: Running, problem: number, key: number, count: number): void {
        const at = problem * keys + key;
        const begin = (staged: Staged | undefined, columns: number) => {
          if (staged === undefined) return 0;
          const address = staged.enter(at * columns, count * columns);
          memory.view("f32", address, count * columns).fill(0);
          return address;
        };
        block.write({ dk: begin(stagedK, depth), dv: begin(stagedV, size) });
        for (const { row, rows } of queryBlocks(sizes, ROWS)) {
          const first = problem * perProblem + row;
          const seen = goTo(first, rows);
          if (key > 0 && seen <= key) continue;
          goToKeys(run, problem, key, count);
          block.write({ delta: delta + 4 * row, dq: sumsQ?.enter(first * depth, row * depth, rows * depth, key === 0) ?? 0 });
          kernels.gradient.bits.f32(block.record);
          sumsQ?.leave(first * depth, rows * depth);
        }
        stagedK?.leave(at * depth, count * depth);
        stagedV?.leave(at * size, count * size);
      }

      /** Goes to a block of queries; returns the most keys that one of them sees. */
      function goTo(at: number, rows: number): number {
        const seen = block.goTo(at, rows);
        const [rowsQ, rowsDy] = [windowQ.enter(at, rows), windowDy.enter(at, rows)];
        kernels.pack.rows.f32(panels, rowsQ, rows, depth);
        kernels.pack.rows.f32(dyPanels, rowsDy, rows, size);
        memory.view("f32", lse, rows).set(memory.view("f32", windowL.enter(at, rows), rows));
        block.write({ q: rowsQ, dy: rowsDy });
        return seen;
      }

      function goToKeys(run: Running, problem: number, key: number, count: number): void {
        block.goToKeys(run, key, count);
        block.write({ k: windowK.enter(problem * keys + key, count), v: windowV.enter(problem * keys + key, count) });
      }
    },
  };
}

/** dq, which every block of keys adds to: in its own array, or for 16-bit data, which would round each time, in f32 of a problem. */
class Sums {
  readonly #staged: Staged;
  readonly #scratch: number;
  readonly #most: number;
  readonly #perProblem: number;
  readonly #pass: Taking;

  constructor(pass: Taking, dq: Taken, most: number, perProblem: number) {
    this.#pass = pass;
    this.#staged = pass.stage(dq, most);
    this.#scratch = isHalf(dq.stored) ? pass.scratch(byteLength("f32", perProblem)) : 0;
    this.#most = most;
    this.#perProblem = perProblem;
  }

  /** Returns the address of `count` sums from `at` on, number `inProblem` of the problem; `begins`: their values are of no use. */
  enter(at: number, inProblem: number, count: number, begins: boolean): number {
    if (this.#scratch !== 0) return this.#scratch + byteLength("f32", inProblem);
    return begins ? this.#staged.enter(at, count) : this.#staged.reenter(at, count);
  }

  leave(at: number, count: number): void {
    if (this.#scratch === 0) this.#staged.leave(at, count);
  }

  /** Brings the sums of a problem to dq. */
  finish(problem: number): void {
    if (this.#scratch === 0) return;
    const { memory } = this.#pass.engine;
    for (let at = 0; at < this.#perProblem; at += this.#most) {
      const count = Math.min(this.#most, this.#perProblem - at);
      const to = this.#staged.enter(problem * this.#perProblem + at, count);
      memory.view("f32", to, count).set(memory.view("f32", this.#scratch + byteLength("f32", at), count));
      this.#staged.leave(problem * this.#perProblem + at, count);
    }
  }
}

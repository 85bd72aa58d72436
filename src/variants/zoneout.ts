// Zoneout: some elements of a recurrent state keep the value of the step before. Source: Krueger et al., "Zoneout: regularizing RNNs by randomly preserving
// hidden activations", ICLR 2017.

import { readForward } from "../core/options.js";
import type { AnyData, Staged, StagedData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { PIECE, parts } from "../engine/pieces.js";
import { wrongValue } from "../ground/check.js";
import { byteLength } from "../ground/dtypes.js";
import type { VariantsKernels } from "./kernels.js";
import { ZONEOUT_KEYS, type ZoneoutOptions } from "./options.js";
import type { TicketPlan, ZoneoutTicket } from "./ticket.js";

interface ZoneoutPlan {
  readonly x: AnyData;
  readonly p: number;
  readonly common: ReturnType<typeof readForward>;
  readonly previous: unknown;
}

/** y = keep ? x : previous; outside training the mean of both. */
export function zoneout(
  kernels: VariantsKernels,
): Operation<[x: AnyData, p: number, options: unknown], ZoneoutPlan, { y: unknown; ticket: ZoneoutTicket }> {
  return {
    read(x, p, options) {
      const common = readForward(p, options, ZONEOUT_KEYS);
      const { previous } = options as ZoneoutOptions;
      return { x, p, common, previous };
    },
    take(pass, { x, p, common, previous }) {
      const { training, out, half, kind, seed, stream, start } = common;
      const { draw } = pass;
      draw.choose(kind, seed, stream);
      // No element is multiplied.
      draw.scaled = false;
      const input = pass.data(x, "x", half);
      const { length, stored } = input;
      const before = pass.input(previous, "previous", stored, length);
      draw.range(length, start);
      const output = pass.output(out, "out", stored, length, x, input, before);
      draw.chance(p, "train", training);
      const [a, b, y] = [pass.stage(input), pass.stage(before), pass.stage(output)];
      const share = training ? 0 : p;
      const keep = takeMask(pass);
      const choose = kernels.choose.bytes[a.dtype];
      const mix = kernels.mix.shares[a.dtype];
      return (run) => {
        for (const { at, count } of parts(length)) {
          const mask = training ? keep(run, at, count) : 0;
          const [from, old] = [a.enter(at, count), b.enter(at, count)];
          const to = y.enter(at, count);
          if (training) choose(to, from, old, mask, count);
          else mix(to, from, old, count, share);
          y.leave(at, count);
        }
        return { y: output.array, ticket: ticketOf(draw.ticket("zoneout"), share) };
      };
    },
  };
}

function ticketOf(ticket: ReturnType<Taking["draw"]["ticket"]>, share: number): ZoneoutTicket {
  const made = ticket as { -readonly [K in keyof ZoneoutTicket]: ZoneoutTicket[K] };
  made.share = share;
  return made;
}

/** Takes room for the decisions of a piece; the function that it returns draws them. */
function takeMask(pass: Taking): (run: Running, at: number, count: number) => number {
  const mask = pass.scratch(byteLength("bytes", PIECE));
  const kernel = pass.engine.kernels.mask[pass.draw.kind].bytes;
  return (run, at, count) => {
    kernel(mask, count, run.paramsUnscaled(at));
    return mask;
  };
}

/** The arrays of a backward call. */
interface ZoneoutGradients {
  readonly dy: AnyData;
  readonly dx: unknown;
  readonly dprevious: unknown;
  readonly half: unknown;
}

/** dx = keep ? dy : 0, dprevious = keep ? 0 : dy; outside training the shares of both. */
export function takeZoneoutBackward(
  kernels: VariantsKernels,
  pass: Taking,
  { range, share }: Extract<TicketPlan, { op: "zoneout" }>,
  { dy, dx, dprevious, half }: ZoneoutGradients,
): (run: Running) => { dx: unknown; dprevious: unknown } {
  const { draw } = pass;
  draw.read(range, ["zoneout"]);
  draw.scaled = false;
  const input = pass.data(dy, "dy", half);
  const { length, stored } = input;
  if (length !== draw.length) throw wrongValue("dy", `length ${draw.length}, the ticket's`, length);
  const [first, second] = pass.outputs(dy, [
    { name: "dx", value: dx, dtype: stored, length, same: [input] },
    { name: "dprevious", value: dprevious, dtype: stored, length, same: [input] },
  ]);
  const source = pass.stage(input);
  const results: [Staged, Staged] = [pass.stage(first), pass.stage(second)];
  // In place of dy, which both gradients read, the kept part is written first.
  const copy = pass.scratch(byteLength(source.dtype, PIECE));
  const zeros = pass.scratch(byteLength(source.dtype, PIECE));
  const keep = takeMask(pass);
  return (run) => {
    const { memory } = run.engine;
    memory.view(source.dtype, zeros, PIECE).fill(0);
    for (const { at, count } of parts(length)) {
      const mask = share === 0 ? keep(run, at, count) : 0;
      memory.view(source.dtype, copy, count).set(memory.view(source.dtype, (source as StagedData).enter(at, count), count) as Float32Array);
      results.forEach((result, which) => {
        const to = result.enter(at, count);
        const [a, b] = which === 0 ? [copy, zeros] : [zeros, copy];
        if (share === 0) kernels.choose.bytes[source.dtype](to, a, b, mask, count);
        else kernels.mix.shares[source.dtype](to, a, b, count, share);
        result.leave(at, count);
      });
    }
    return { dx: first.array, dprevious: second.array };
  };
}

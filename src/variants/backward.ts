// The gradients of variants, by the operation of the ticket.

import type { AnyData } from "../engine/operand.js";
import type { Operation, Running, Taking } from "../engine/pass.js";
import { wrongKind, wrongValue } from "../ground/check.js";
import { checkOptions, NO_KEYS } from "../ground/options.js";
import { productOf } from "../ground/shape.js";
import { takeConcreteBackward } from "./concrete.js";
import { checkFactor, takeExact } from "./exact.js";
import type { VariantsKernels } from "./kernels.js";
import { SAVED_KEYS, type SavedInput, VARIANTS_BACKWARD_KEYS, type VariantsBackwardOptions } from "./options.js";
import { takeScatter } from "./patch.js";
import { readRange, readTicket, type TicketPlan } from "./ticket.js";
import { takeZoneoutBackward } from "./zoneout.js";

interface BackwardPlan {
  readonly dy: AnyData;
  readonly ticket: TicketPlan;
  readonly x: unknown;
  readonly dx: unknown;
  readonly dprevious: unknown;
  readonly half: unknown;
}

type Gradients = { dx: unknown; dprevious?: unknown; dp?: number };

export function variantsBackward(
  kernels: VariantsKernels,
): Operation<[dy: AnyData, ticket: unknown, saved: unknown, options: unknown], BackwardPlan, Gradients> {
  return {
    read(dy, given, saved, options) {
      const ticket = readTicket(given);
      checkOptions(saved, ticket.op === "concreteDropout" ? SAVED_KEYS : NO_KEYS, "saved");
      checkOptions(options, VARIANTS_BACKWARD_KEYS);
      const { x } = saved as SavedInput;
      const { dx, dprevious, dtype } = options as VariantsBackwardOptions<AnyData>;
      if (dprevious !== undefined && ticket.op !== "zoneout") throw wrongKind("dprevious", "a ticket of zoneout with it", dprevious);
      return { dy, ticket, x, dx, dprevious, half: dtype };
    },
    take(pass, { dy, ticket, x, dx, dprevious, half }): (run: Running) => Gradients {
      switch (ticket.op) {
        case "zoneout":
          return takeZoneoutBackward(kernels, pass, ticket, { dy, dx, dprevious, half });
        case "concreteDropout":
          return takeConcreteBackward(kernels, pass, ticket, { dy, x, dx, half });
        case "patchDropout": {
          const work = takeScatter(kernels, pass, ticket, { value: dy, name: "dy", out: dx, outName: "dx", half });
          return (run) => ({ dx: work(run) });
        }
        case "exactDropout":
          return takeExactBackward(kernels, pass, ticket, { dy, dx, half });
      }
    },
  };
}

function takeExactBackward(
  kernels: VariantsKernels,
  pass: Taking,
  { exact, range }: Extract<TicketPlan, { op: "exactDropout" }>,
  { dy, dx, half }: { readonly dy: AnyData; readonly dx: unknown; readonly half: unknown },
): (run: Running) => Gradients {
  readRange(pass.draw, range);
  const input = pass.data(dy, "dy", half);
  const elements = productOf(exact.shape);
  if (input.length !== elements) throw wrongValue("dy", `length ${elements}, the product of the ticket's shape`, input.length);
  checkFactor(exact, input.stored);
  const output = pass.output(dx, "dx", input.stored, input.length, dy, input);
  const work = takeExact(kernels, pass, exact, input, output);
  return (run) => {
    work(run);
    return { dx: output.array };
  };
}

// The time that dropout adds to a step of training: steps without it, with layers of this package and with those of tfjs take turns, and so do the
// dropout layers alone, forward and backward on the shapes they have in the network.

import { randomUniform, type Tensor, type Tensor2D, tidy, valueAndGrad } from "@tensorflow/tfjs-core";
import { layers } from "@tensorflow/tfjs-layers";
import { createTfjsDropout } from "wasm-dropout/tfjs";
import { measure } from "../../../bench/measure.js";
import type { Summary } from "../../../bench/statistics.js";
import { useBackend } from "./backend.js";
import { batchOf, trainingExamples } from "./data.js";
import { type MakeDropout, network } from "./model.js";
import { makeOptimizer } from "./optimizer.js";
import { HIDDEN_RATE, INPUT_RATE, type Settings } from "./settings.js";
import { trainStep, variablesOf } from "./step.js";

/** Milliseconds of a step without dropout, and with that of this package and of tfjs. */
export interface StepTimes {
  readonly without: Summary;
  readonly ours: WithDropout;
  readonly tfjs: WithDropout;
}

export interface WithDropout {
  /** The whole step, in milliseconds. */
  readonly step: Summary;
  /** The dropout layers alone, in milliseconds. */
  readonly alone: Summary;
  /** The share of the step that these are. */
  readonly share: Summary;
}

const ROUNDS = 25;
const SEED = 1;

/** Measures in this process, on the settings' backend; others should be at rest. */
export async function timeSteps(settings: Settings): Promise<StepTimes> {
  await useBackend(settings.backend);
  const { layers: ours } = await createTfjsDropout({ seed: SEED });
  const makeOurs: MakeDropout = (rate, shape) => ours.dropout({ rate, ...shape });
  const makeTheirs: MakeDropout = (rate, shape) => layers.dropout({ rate, ...shape });
  const subjects = {
    without: stepOf(settings),
    ours: stepOf(settings, makeOurs),
    tfjs: stepOf(settings, makeTheirs),
    "ours alone": dropoutOf(settings, makeOurs),
    "tfjs alone": dropoutOf(settings, makeTheirs),
  };
  const timings = measure(
    Object.entries(subjects).map(([name, call]) => ({ name, call, copy: name, group: "peer", bytes: 0 })),
    ROUNDS,
    () => {},
  );
  const withDropout = (name: "ours" | "tfjs") => ({
    step: timings.time(name),
    alone: timings.time(`${name} alone`),
    share: timings.ratio(`${name} alone`, name),
  });
  return { without: timings.time("without"), ours: withDropout("ours"), tfjs: withDropout("tfjs") };
}

function stepOf({ batch, hidden, schedules }: Settings, make?: MakeDropout): () => void {
  // One optimizer for all, so that dropout is all that they differ in.
  const schedule = schedules.with;
  const model = network(hidden, make);
  const optimizer = makeOptimizer(schedule, variablesOf(model));
  const chosen = Int32Array.from({ length: batch }, (_, i) => i);
  const examples = trainingExamples(() => chosen);
  return () => tidy(() => trainStep(model, optimizer, batchOf(examples, chosen), { ...schedule, step: 1 }));
}

// The input needs no gradient.
function dropoutOf({ batch, hidden }: Settings, make: MakeDropout): () => void {
  const random = (width: number) => randomUniform<Tensor2D["rankType"]>([batch, width]);
  const drop = (rate: number) => {
    const layer = make(rate, {});
    return (x: Tensor) => layer.apply(x, { training: true }) as Tensor;
  };
  const [dropInput, input] = [drop(INPUT_RATE), random(784)];
  const others = hidden.map((units) => ({ run: valueAndGrad(drop(HIDDEN_RATE)), x: random(units), dy: random(units) }));
  return () => {
    tidy(() => {
      dropInput(input);
      for (const { run, x, dy } of others) run(x, dy);
    });
  };
}

// The settings of a training, the forms of network that are offered, and the news that it tells as it goes on.

import type { Form } from "./model.js";

/** All that a training follows from. */
export interface Settings extends Omit<Form, "characters"> {
  readonly seed: number;
  /** Drop probability, 0 for none. */
  readonly rate: number;
  readonly steps: number;
  /** Windows of a step, and of a validation. */
  readonly windows: number;
  readonly validation: number;
  /** Steps between validations, after each of which the state is written. */
  readonly every: number;
  readonly learningRate: number;
  /** The most characters that are learnt from. */
  readonly text: number;
}

/** The trainings that are compared. */
export const VARIANTS = ["with", "without"] as const;
export type Variant = (typeof VARIANTS)[number];

/** Losses in nats a character, nothing dropped, after so many steps. */
export interface Point {
  readonly step: number;
  readonly training: number;
  readonly validation: number;
}

/** The curves of a training with dropout and of one without. */
export type Curves = Readonly<Record<Variant, readonly Point[]>>;

/** The news of a training that runs beside, for the one who shows it. */
export type News =
  /** So many steps are done; first when it begins, or goes on. */
  | { readonly type: "step"; readonly step: number }
  | { readonly type: "point"; readonly point: Point }
  /** All steps are done; the text is what the network writes. */
  | { readonly type: "end"; readonly sample: string };

const FORM = { length: 48, width: 64, heads: 4, blocks: 2, windows: 8, validation: 24, every: 25, learningRate: 4e-3, text: 8000 };
const TINY = { length: 12, width: 16, heads: 2, blocks: 1, windows: 2, validation: 4, every: 2, learningRate: 3e-3, text: 1000 };

/** The settings that a user types in. */
export const TYPED = ["seed", "rate", "steps"] as const;
export type Typed = Record<(typeof TYPED)[number], string>;

/** A text that is no such setting. */
export class WrongSetting extends Error {
  constructor(
    readonly setting: keyof Typed,
    expected: string,
    got: string,
  ) {
    super(`${setting} expected ${expected}, got ${JSON.stringify(got)}`);
  }
}

/** The settings where nothing is typed in. */
export function usual(tiny: boolean): Typed {
  return { seed: "1", rate: "0.2", steps: tiny ? "6" : "1000" };
}

/** Reads settings; throws WrongSetting. A `tiny` network and text take seconds, and show no difference. */
export function readSettings({ seed, rate, steps }: Typed, tiny: boolean): Settings {
  const isWhole = (text: string, least: number) => /^\d+$/.test(text) && Number(text) >= least && Number.isSafeInteger(Number(text));
  if (!isWhole(seed, 0)) throw new WrongSetting("seed", "integer from 0 on", seed);
  if (!isWhole(steps, 1)) throw new WrongSetting("steps", "integer from 1 on", steps);
  if (!(Number(rate) > 0 && Number(rate) < 1)) throw new WrongSetting("rate", "number in (0, 1)", rate);
  return { ...(tiny ? TINY : FORM), seed: Number(seed), rate: Number(rate), steps: Number(steps) };
}

/** The settings of one of both trainings. */
export function settingsOf(settings: Settings, variant: Variant): Settings {
  return { ...settings, rate: variant === "with" ? settings.rate : 0 };
}

// Both trainings of the page: workers that begin, go on and end, and what they tell.

import { Pace } from "../../mnist/train/pace.js";
import { unpack } from "../checkpoint.js";
import { type Point, type Settings, settingsOf, type Typed, VARIANTS, type Variant } from "../settings.js";
import type { Checkpoints } from "./checkpoints.js";
import type { Message, Order } from "./protocol.js";
import type { View } from "./view.js";

interface Run {
  readonly settings: Settings;
  readonly pace: Pace;
  readonly curves: Readonly<Record<Variant, Point[]>>;
  readonly samples: Map<Variant, string>;
  readonly workers: readonly Worker[];
}

export class Trainings {
  readonly #checkpoints: Checkpoints;
  readonly #view: View;
  #run: Run | undefined;

  constructor(checkpoints: Checkpoints, view: View) {
    this.#checkpoints = checkpoints;
    this.#view = view;
  }

  /** Returns the settings of the states that are kept, as they were typed in; undefined if there are none. */
  saved(): Typed | undefined {
    const settings = this.#settingsOf("with");
    return settings && { seed: `${settings.seed}`, rate: `${settings.rate}`, steps: `${settings.steps}` };
  }

  /** Returns true if states of trainings with these settings are kept, and none of others. */
  has(settings: Settings): boolean {
    const kept = VARIANTS.filter((variant) => this.#checkpoints.get(variant) !== undefined);
    return kept.length > 0 && kept.every((variant) => this.#state(settings, variant) !== undefined);
  }

  /** Trains, from the states that are kept unless it is to start `afresh`. */
  begin(settings: Settings, afresh: boolean): void {
    this.#end();
    const workers: Worker[] = [];
    const run = { settings, pace: new Pace(2 * settings.steps), curves: { with: [], without: [] }, samples: new Map(), workers };
    this.#run = run;
    this.#view.begin();
    for (const variant of VARIANTS) {
      const state = afresh ? undefined : this.#state(settings, variant);
      const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
      workers.push(worker);
      // A worker that was ended may have messages on their way.
      const isCurrent = () => this.#run === run;
      worker.addEventListener("message", ({ data }: MessageEvent<Message>) => isCurrent() && this.#hear(run, variant, data));
      worker.addEventListener(
        "error",
        ({ message }) => isCurrent() && this.#fail(`The worker failed: ${message || "it cannot be loaded"}.`),
      );
      worker.postMessage({ settings: settingsOf(settings, variant), state } satisfies Order);
    }
  }

  /** Ends the workers at once: what they did after their last states is done again, with the same bits, when they go on. */
  stop(): void {
    const settings = this.#run?.settings;
    this.#end();
    if (settings !== undefined) this.#view.end("Stopped.", this.has(settings));
  }

  #hear(run: Run, variant: Variant, message: Message): void {
    const { pace, curves, samples } = run;
    switch (message.type) {
      case "state":
        void this.#checkpoints.set(variant, message.state);
        break;
      case "step":
        pace.note(variant, message.step);
        this.#view.progress(pace);
        break;
      case "point":
        curves[variant].push(message.point);
        this.#view.curves(curves);
        break;
      case "end":
        samples.set(variant, message.sample);
        if (samples.size < VARIANTS.length) break;
        this.#end();
        this.#view.results(curves, samples);
        this.#view.end(this.#checkpoints.lasting ? "Done." : "Done. This browser keeps no states for another visit.", true);
        break;
      case "error":
        this.#fail(`It failed: ${message.message}`);
    }
  }

  #fail(text: string): void {
    const settings = this.#run?.settings as Settings;
    this.#end();
    this.#view.end(text, this.has(settings));
  }

  #end(): void {
    for (const worker of this.#run?.workers ?? []) worker.terminate();
    this.#run = undefined;
  }

  #state(settings: Settings, variant: Variant): Uint8Array | undefined {
    const same = JSON.stringify(this.#settingsOf(variant)) === JSON.stringify(settingsOf(settings, variant));
    return same ? this.#checkpoints.get(variant) : undefined;
  }

  #settingsOf(variant: Variant): Settings | undefined {
    const state = this.#checkpoints.get(variant);
    return state && unpack(state).header.settings;
  }
}

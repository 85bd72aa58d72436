// The messages between the page and the worker of a training, beside the news of the training.

import type { News, Settings } from "../settings.js";

/** From the page to the worker. */
export interface Order {
  readonly settings: Settings;
  /** The state that it goes on from. */
  readonly state: Uint8Array | undefined;
}

/** From the worker to the page. */
export type Message =
  | News
  | { readonly type: "state"; readonly state: Uint8Array<ArrayBuffer> }
  | { readonly type: "error"; readonly message: string };

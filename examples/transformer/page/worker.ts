// One training in a worker, so that the page stays alive; to stop it, the page ends the worker.

import { env, getBackend } from "@tensorflow/tfjs-core";
import pages from "made/pages.js";
import { wordsOf } from "../../browser/src/page.js";
import { startBackend } from "../../mnist/train/start-backend.js";
import { train } from "../training.js";
import type { Message, Order } from "./protocol.js";

const tell = (message: Message) => globalThis.postMessage(message);

globalThis.addEventListener("message", async ({ data: { settings, state } }: MessageEvent<Order>) => {
  try {
    // As in Node, with its bits.
    env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
    await startBackend("wasm", new URL("../tfjs/", globalThis.location.href).href);
    if (getBackend() !== "wasm") throw new Error("the wasm backend of TensorFlow.js does not start here.");
    const store = {
      read: async () => state,
      write: async (state: Uint8Array) => tell({ type: "state", state: state as Uint8Array<ArrayBuffer> }),
    };
    await train(settings, pages, store, tell);
  } catch (error) {
    tell({ type: "error", message: wordsOf(error) });
  }
});

// Measures in a worker, so that the page stays alive; to cancel, the page ends the worker.

import { wordsOf } from "../page.js";
import { makeContenders } from "./contenders.js";
import { measure } from "./measure.js";
import type { News, Order } from "./protocol.js";

const tell = (news: News) => globalThis.postMessage(news);

globalThis.addEventListener("message", ({ data }: MessageEvent<Order>) => {
  const { modules, plan } = data;
  const { sizes, rounds } = plan;
  try {
    sizes.forEach((size, i) => {
      const timings = measure(makeContenders(modules, size), size, plan, (done) =>
        tell({ type: "progress", share: (i + done / rounds) / sizes.length }),
      );
      tell({ type: "size", size, timings });
    });
    tell({ type: "end" });
  } catch (error) {
    tell({ type: "error", message: wordsOf(error) });
  }
});

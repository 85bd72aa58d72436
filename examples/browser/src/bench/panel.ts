// The third part of the page: runs the benchmark, and shows how far it is and what it found.

import { part } from "../page.js";
import type { News, Order, Plan } from "./protocol.js";
import { makeTable } from "./table.js";

const PLAN: Plan = { sizes: [2 ** 12, 2 ** 16, 2 ** 20], rounds: 11, sampleMs: 25 };
// For tests of the page: the figures are coarse.
const QUICK: Plan = { ...PLAN, rounds: 3, sampleMs: 2 };

/** Offers to run the benchmark over `modules`; a short one if the address asks for ?quick. */
export function showBenchmark(modules: Order["modules"]): void {
  const plan = new URLSearchParams(location.search).has("quick") ? QUICK : PLAN;
  const run = part("run", HTMLButtonElement);
  const cancel = part("cancel", HTMLButtonElement);
  const progress = part("progress", HTMLProgressElement);
  const status = part("bench-status", HTMLElement);
  const results = part("results", HTMLElement);
  let worker: Worker | undefined;

  function begin(): void {
    results.replaceChildren();
    progress.value = 0;
    setRunning(true, "Measuring.");
    worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    worker.addEventListener("message", ({ data }: MessageEvent<News>) => hear(data));
    worker.addEventListener("error", ({ message }) => end(`The worker failed: ${message || "it cannot be loaded"}.`));
    worker.postMessage({ modules, plan } satisfies Order);
  }

  function hear(news: News): void {
    switch (news.type) {
      case "progress":
        progress.value = news.share;
        break;
      case "size":
        results.append(makeTable(news.size, news.timings));
        break;
      case "end":
        end(
          `Done.${modules.simd === undefined ? " This browser has no SIMD." : ""}${plan === QUICK ? " A short run: figures are coarse." : ""}`,
        );
        break;
      case "error":
        end(`It failed: ${news.message}`);
    }
  }

  function end(text: string): void {
    worker?.terminate();
    worker = undefined;
    setRunning(false, text);
  }

  function setRunning(running: boolean, text: string): void {
    // A button that is disabled loses the focus: pass it on.
    const focused = document.activeElement === (running ? run : cancel);
    run.disabled = running;
    cancel.disabled = !running;
    if (focused) (running ? cancel : run).focus();
    progress.hidden = !running;
    status.textContent = text;
  }

  run.addEventListener("click", begin);
  cancel.addEventListener("click", () => end("Cancelled."));
}

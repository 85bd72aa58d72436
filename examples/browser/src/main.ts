// The page: says in words if it cannot start, else shows its parts.

import { compileDropout, Dropout, simdSupported } from "wasm-dropout";
import { showBenchmark } from "./bench/panel.js";
import { showMasks } from "./masks.js";
import { part, say, wordsOf } from "./page.js";
import { showTickets } from "./tickets.js";

try {
  await start();
} catch (error) {
  say("failure", `This page cannot start: ${wordsOf(error)}`);
}

async function start(): Promise<void> {
  if (typeof WebAssembly === "undefined") throw new Error("this browser has no WebAssembly, or it is switched off.");
  const best = await compileDropout();
  const scalar = await compileDropout({ simd: false });
  const [forward, other] = [new Dropout(best), new Dropout(best)];
  showMasks(forward, showTickets(other));
  showBenchmark({ simd: simdSupported() ? best : undefined, scalar });
  // Only now, as what is seen should answer.
  part("main", HTMLElement).hidden = false;
}

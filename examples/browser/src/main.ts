// The page: shows its parts, or says in words why it cannot start.

import { compileDropout, Dropout, simdSupported } from "wasm-dropout";
import { showBenchmark } from "./bench/panel.js";
import { showMasks } from "./masks.js";
import { startPage } from "./page.js";
import { showTickets } from "./tickets.js";

await startPage(async () => {
  const best = await compileDropout();
  const scalar = await compileDropout({ simd: false });
  const [forward, other] = [new Dropout(best), new Dropout(best)];
  showMasks(forward, showTickets(other));
  showBenchmark({ simd: simdSupported() ? best : undefined, scalar });
});

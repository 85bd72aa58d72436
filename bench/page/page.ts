// The page's side of npm run bench:page: measures one size when the driver asks for it.

import reference from "../../build/reference.wasm?url";
import scalar from "../../build/scalar.wasm?url";
import simd from "../../build/simd.wasm?url";
import { type Found, runSession } from "../session.js";

/** What the driver asks for. */
export interface Request {
  readonly size: number;
  readonly filter: string;
  readonly rounds: number;
  readonly scalar: boolean;
}

async function measureSize({ size, filter, rounds, scalar: wanted }: Request): Promise<Found> {
  const kernels = await compile(wanted ? scalar : simd);
  const yardsticks = await compile(reference);
  const sizes = [size];
  const [found] = runSession({ kernels, reference: yardsticks, sizes, filter, rounds, judged: !wanted, barsOnly: false }, ignore, ignore);
  return found as Found;
}

async function compile(url: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(await (await fetch(url)).arrayBuffer());
}

function ignore(): void {}

Object.assign(globalThis, { measureSize });

// GPUs that draw the stream of kind "philox" themselves. When a device is first asked to, both ways run on the same values in the background, and drawing
// is taken up if it gave the same bits in less time than the upload. Until then, and if it did not, bits are uploaded: the results are the same.

import type { KernelBackend, TensorInfo } from "@tensorflow/tfjs-core";
import { threshold } from "../stream/probability.js";
import { type Draw, type Draws, isRows } from "./draw.js";
import type { Device, PhiloxDraw, Selection } from "./gpu.js";
import { kernels } from "./kernels.js";

/** @internal Backends of devices that were asked, by whether they draw: not while that is unknown. */
export const asked = new WeakMap<KernelBackend, { draws: boolean }>();

/** Returns the device's own way to select by `draws` from x, of `size` elements with decisions of their own; undefined if bits are to be uploaded. */
export function generating(
  device: Device,
  draws: Draws,
  rate: number,
  size: number,
): ((x: TensorInfo, selection: Selection) => TensorInfo) | undefined {
  const { generate } = device;
  if (generate === undefined || isRows(draws) || draws.kind !== "philox" || size % 4 > 0) return undefined;
  const drawn = drawOf(draws, rate);
  if (drawn === undefined) return undefined;
  const known = asked.get(device.backend);
  if (known !== undefined) return known.draws ? (x, selection) => generate(x, drawn, selection) : undefined;
  const state = { draws: false };
  asked.set(device.backend, state);
  compare(device).then(
    ({ same, sooner }) => {
      state.draws = same && sooner;
    },
    // A device that cannot draw is left to the upload, which has a check of its own.
    () => {},
  );
  return undefined;
}

/** Returns the draw of a GPU; undefined if all is dropped, as no threshold of 32 bits says. */
function drawOf({ seed, stream }: Draw, rate: number): PhiloxDraw | undefined {
  const least = threshold(rate, "philox");
  return least < 2 ** 32 ? { seed, stream, threshold: least } : undefined;
}

// Large enough that the time is that of the work, and not of a call.
const SIZE = 2 ** 18;
const ROUNDS = 3;
const SELECTION = { operation: "*", value: 2, dropped: 0 } as const;

/** Draws by a device, beside what the CPU draws for it. */
interface Comparison {
  /** True if all bits are the same, those of an integer at the threshold and just below it too. */
  readonly same: boolean;
  /** True if the device takes less time than drawing on the CPU and uploading. */
  readonly sooner: boolean;
}

/** Compares both ways; rejects if the device cannot run one. */
export async function compare({ backend, select, generate }: Device): Promise<Comparison> {
  if (generate === undefined) return { same: false, sooner: false };
  const [shape, dtype] = [[SIZE], "float32"] as const;
  const x: TensorInfo = { dataId: backend.write(new Float32Array(SIZE).fill(1), [...shape], dtype), shape: [...shape], dtype };
  const runs = [{ size: SIZE, stride: 1 }];
  const ways = [
    (draw: Draw, rate: number) => {
      const words = new Uint32Array(SIZE / 32);
      kernels().core.mask(SIZE, rate, { ...draw, out: words });
      return select(x, { words, runs }, SELECTION);
    },
    (draw: Draw, rate: number) => generate(x, drawOf(draw, rate) as PhiloxDraw, SELECTION),
  ] as const;
  const least = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  let same = true;
  try {
    for (let round = 0; same && round < ROUNDS; ++round) {
      const draw: Draw = { kind: "philox", seed: 2n ** 64n - 1n - BigInt(round), stream: BigInt(round) << 32n };
      // An element is kept at its own integer, and dropped at the next.
      const rate = (firstIntegerOf(draw) + (round % 2)) / 2 ** 32;
      const results: ArrayLike<unknown>[] = [];
      for (const [k, run] of ways.entries()) {
        const begin = performance.now();
        const { dataId } = run(draw, rate);
        results.push((await backend.read(dataId)) as Float32Array);
        least[k] = Math.min(least[k] as number, performance.now() - begin);
        backend.disposeData(dataId);
      }
      const [expected, got] = results as [ArrayLike<unknown>, ArrayLike<unknown>];
      for (let i = 0; same && i < SIZE; ++i) same = got[i] === expected[i];
    }
  } finally {
    backend.disposeData(x.dataId);
  }
  const [uploaded, drawn] = least as [number, number];
  return { same, sooner: drawn < uploaded };
}

/** Returns the random integer of the first element: the largest threshold at which it is kept. */
function firstIntegerOf(draw: Draw): number {
  let integer = 0;
  for (let bit = 2 ** 31; bit >= 1; bit /= 2) {
    const [byte] = kernels().core.mask(1, (integer + bit) / 2 ** 32, draw);
    if (byte === 1) integer += bit;
  }
  return integer;
}

// A device's programs are tried once on values whose results are known: a driver that computes wrongly is refused, not trusted.

import type { KernelBackend } from "@tensorflow/tfjs-core";
import { currentDevice, type Decisions, type Device, hasBackend, type Selection } from "./gpu.js";

/** The state of a device. */
interface Check {
  /** Resolves once all is known; never rejects. */
  done: Promise<void>;
  error?: Error;
}

const checks = new WeakMap<KernelBackend, Check>();

/**
 * Returns the device of the current backend; undefined if that computes on the CPU. The first call checks it, at once where the backend can be read
 * synchronously, else in the background. Throws Error for a device that was found to compute wrongly.
 */
export function device(): Device | undefined {
  const current = currentDevice();
  if (current === undefined) return undefined;
  const { error } = checkOf(current);
  if (error !== undefined) throw error;
  return current;
}

/** Resolves once the device of the current backend, if it is one, has been checked; rejects with Error if it computes wrongly. */
export async function ready(): Promise<void> {
  const current = hasBackend() ? currentDevice() : undefined;
  if (current === undefined) return;
  const check = checkOf(current);
  await check.done;
  if (check.error !== undefined) throw check.error;
}

function checkOf(current: Device): Check {
  const known = checks.get(current.backend);
  if (known !== undefined) return known;
  const check: Check = { done: Promise.resolve() };
  checks.set(current.backend, check);
  if (current.synchronous) {
    for (const trial of TRIALS) judge(check, trial, () => runTrial(current, trial, (dataId) => current.backend.readSync(dataId)));
  } else {
    check.done = (async () => {
      for (const trial of TRIALS) {
        try {
          const values = await runTrial(current, trial, (dataId) => current.backend.read(dataId));
          judge(check, trial, () => values);
        } catch (cause) {
          check.error ??= refusal(trial, cause);
        }
      }
    })();
  }
  return check;
}

interface Trial extends Selection {
  readonly name: string;
  readonly size: number;
  readonly runs: Decisions["runs"];
  /** The place of the bit of element i. */
  readonly bit: (i: number) => number;
}

// More than one row of a texture, and no multiple of a word: 9 samples, 31 places, 15 channels.
const [SAMPLES, PLACES, CHANNELS] = [9, 31, 15];
const SIZE = SAMPLES * PLACES * CHANNELS;
// A multiple of four, which some programs take at once.
const VECTORS = 4 * Math.ceil(SIZE / 4);
const RUNS = [
  { size: CHANNELS, stride: 1 },
  { size: PLACES, stride: 0 },
  { size: SAMPLES, stride: CHANNELS },
];
const channelOf = (i: number) => Math.floor(i / (PLACES * CHANNELS)) * CHANNELS + (i % CHANNELS);
const itself = (i: number) => i;
const WHOLE = { size: SIZE, runs: [{ size: SIZE, stride: 1 }], bit: itself };
const WHOLE_VECTORS = { size: VECTORS, runs: [{ size: VECTORS, stride: 1 }], bit: itself };
const BY_CHANNEL = { size: SIZE, runs: RUNS, bit: channelOf };
// Values that f16, in which some devices keep textures, holds exactly.
const TRIALS: readonly Trial[] = [
  { name: "dropout", operation: "*", value: 2, dropped: 0, ...WHOLE },
  { name: "dropout", operation: "*", value: 2, dropped: 0, ...WHOLE_VECTORS },
  { name: "dropout with a noise shape", operation: "*", value: 2, dropped: 0, ...BY_CHANNEL },
  { name: "alpha dropout", operation: "+", value: 3, dropped: -7, ...WHOLE },
  { name: "alpha dropout", operation: "+", value: 3, dropped: -7, ...WHOLE_VECTORS },
  { name: "alpha dropout with a noise shape", operation: "+", value: 3, dropped: -7, ...BY_CHANNEL },
];
// Knuth's multiplicative hashing: bits without a pattern that a wrong index would keep.
const keeps = (bit: number) => (Math.imul(bit + 1, 0x9e3779b1) >>> 29) % 2 === 1;

/** The dropped elements are NaN or infinite here and there: a program that multiplies by 0 is found out. */
function inputOf({ bit }: Trial, i: number): number {
  if (!keeps(bit(i)) && i % 3 === 0) return i % 2 === 0 ? Number.NaN : Number.POSITIVE_INFINITY;
  return (i % 401) - 200;
}

function runTrial<R>({ backend, select }: Device, trial: Trial, read: (dataId: object) => R): R {
  const { size } = trial;
  const words = new Uint32Array(Math.ceil(size / 32));
  for (let k = 0; k < size; ++k) if (keeps(k)) words[k >> 5] = (words[k >> 5] as number) | (1 << (k & 31));
  const x = Float32Array.from({ length: size }, (_, i) => inputOf(trial, i));
  const shape = [size];
  const dataId = backend.write(x, shape, "float32");
  const y = select({ dataId, shape, dtype: "float32" }, { words, runs: trial.runs }, trial);
  const result = read(y.dataId);
  const free = () => {
    backend.disposeData(dataId);
    backend.disposeData(y.dataId);
  };
  if (result instanceof Promise) return result.finally(free) as R;
  free();
  return result;
}

function judge(check: Check, trial: Trial, run: () => ArrayLike<unknown>): void {
  try {
    const values = run();
    const { operation, value, dropped, bit, size } = trial;
    for (let i = 0; i < size; ++i) {
      const x = inputOf(trial, i);
      const expected = keeps(bit(i)) ? (operation === "*" ? x * value : x + value) : dropped;
      if (values[i] !== expected && check.error === undefined) {
        check.error = refusal(trial, new Error(`element ${i} is ${values[i]}, expected ${expected}`));
      }
    }
  } catch (cause) {
    check.error ??= refusal(trial, cause);
  }
}

function refusal({ name }: Trial, cause: unknown): Error {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new Error(
    `The GPU of this backend computes ${name} wrongly, and is refused: use the backend "wasm" or "cpu" (${detail.slice(0, MOST_DETAIL)})`,
    { cause },
  );
}
const MOST_DETAIL = 200;

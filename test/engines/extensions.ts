// The computations of the extensions in every engine: one SHA-256 for each, of every operation.
// Invariant: an operation that is not tried fails the check.

import type { Dropout } from "wasm-dropout";
import { throwsWith } from "./expect.js";
import { Digest } from "./extensions/digest.js";
import { checkFused } from "./extensions/fused.js";
import { checkHalf, checkHalves } from "./extensions/half.js";
import { checkLinear } from "./extensions/linear.js";
import { checkMonteCarlo } from "./extensions/monte-carlo.js";
import { checkNoise } from "./extensions/noise.js";
import { checkShapes } from "./extensions/shapes.js";

/** The modules of the extensions, of the package or of its sources. */
export interface Entries {
  readonly fused: typeof import("wasm-dropout/fused");
  readonly half: typeof import("wasm-dropout/half");
  readonly linear: typeof import("wasm-dropout/linear");
  readonly monteCarlo: typeof import("wasm-dropout/monte-carlo");
  readonly noise: typeof import("wasm-dropout/noise");
  readonly shapes: typeof import("wasm-dropout/shapes");
}

/** Hexadecimal digits of a SHA-256 for each extension. */
export type Hashes = { [E in keyof Entries]: string };

/** Functions that try an extension over an instance of its own and hash what it gives. */
export function extensionChecks(entries: Entries, simd: boolean): { [E in keyof Entries]: (dropout: Dropout) => Promise<string> } {
  const { fused, half, linear, monteCarlo, noise, shapes } = entries;
  const options = { simd };
  return {
    fused: checker(fused.createFused, options, checkFused),
    half: checker(half.createHalf, options, async (extension, plain, digest) => {
      throwsWith(
        TypeError,
        '"x" expected Float32Array, Float64Array or buffer of f32 or f64 (16-bit data need the instance of createHalf()',
        () => plain.dropout(new Uint16Array(4), 0.5, { dtype: "f16" }),
      );
      const { dropout } = extension;
      checkHalf(extension, dropout, digest);
      checkHalves(
        {
          shapes: await shapes.createShapes(dropout, options),
          noise: await noise.createNoise(dropout, options),
          fused: await fused.createFused(dropout, options),
        },
        extension,
        digest,
      );
    }),
    linear: checker(linear.createLinear, options, (extension, dropout, digest) => checkLinear(extension, dropout, digest)),
    monteCarlo: checker(monteCarlo.createMonteCarlo, options, (extension, dropout, digest) =>
      checkMonteCarlo(extension, dropout, digest, monteCarlo.streamOf),
    ),
    noise: checker(noise.createNoise, options, checkNoise),
    shapes: checker(shapes.createShapes, options, checkShapes),
  };
}

function checker<E extends object>(
  create: (dropout: Dropout, options: { simd: boolean }) => Promise<E>,
  options: { simd: boolean },
  check: (extension: E, dropout: Dropout, digest: Digest) => void | Promise<void>,
): (dropout: Dropout) => Promise<string> {
  return async (dropout) => {
    const digest = new Digest();
    const { extension, untried } = traced(await create(dropout, options));
    await check(extension, dropout, digest);
    if (untried.size > 0) throw new Error(`not tried: ${[...untried].join(", ")}`);
    return digest.hex;
  };
}

/** An extension that notes which of its operations have not been called. */
function traced<E extends object>(extension: E): { extension: E; untried: ReadonlySet<string | symbol> } {
  const untried = new Set(Reflect.ownKeys(Object.getPrototypeOf(extension)));
  untried.delete("constructor");
  const get = (target: E, name: string | symbol) => {
    untried.delete(name);
    const value: unknown = Reflect.get(target, name);
    return typeof value === "function" ? value.bind(target) : value;
  };
  return { extension: new Proxy(extension, { get }), untried };
}

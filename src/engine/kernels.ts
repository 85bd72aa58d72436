// The tables of kernels: what the wasm modules export and with which signature. The wrapper binds them, and tests and benchmarks walk
// them row by row, so that no kernel exists untested; a module that lacks one is refused.

import { DTYPES, MASK_FORMATS, STORED_FORMATS } from "../ground/dtypes.js";
import type { HALF } from "../half/kernels.js";

/** Ways of deciding which elements are kept: docs/keep-streams.md. */
export type StreamKind = (typeof STREAM_KINDS)[number];
export const STREAM_KINDS = ["tile", "philox"] as const;

/** Kernels that do the same with decisions of several sources, or data of several dtypes. */
export interface Family {
  readonly verb: string;
  readonly sources: readonly string[];
  readonly dtypes: readonly string[];
}

// Pointers are byte addresses, n counts elements, params is the address of the parameter record.
export interface Signatures {
  mask: (dst: number, n: number, params: number) => undefined;
  dropout: (dst: number, src: number, n: number, params: number) => undefined;
  dropoutbits: (dst: number, src: number, bits: number, n: number, params: number) => undefined;
  apply: (dst: number, src: number, mask: number, n: number, params: number) => undefined;
  popcount: (mask: number, n: number) => number;
}

/** The core's kernels. */
export const CORE = [
  { verb: "mask", sources: STREAM_KINDS, dtypes: MASK_FORMATS },
  { verb: "dropout", sources: STREAM_KINDS, dtypes: DTYPES },
  { verb: "dropoutbits", sources: STREAM_KINDS, dtypes: DTYPES },
  { verb: "apply", sources: STORED_FORMATS, dtypes: DTYPES },
  { verb: "popcount", sources: ["bits"], dtypes: ["u32"] },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

/** The kernels of families F, with signatures S by verb: `kernels[verb][source][dtype]`. */
export type Bound<F extends Family, S extends Record<F["verb"], unknown>> = {
  readonly [G in F as G["verb"]]: Readonly<Record<G["sources"][number], Readonly<Record<G["dtypes"][number], S[G["verb"]]>>>>;
};

/** The core's kernels, and those of 16-bit data, which are there once {@link Call.dtypes} has them. */
export type Kernels = Bound<(typeof CORE)[number], Signatures> & Bound<(typeof HALF)[number], Signatures>;

/** Every kernel as [verb, source, dtype]; its export is named source_verb_dtype. */
export function rowsOf<F extends Family>(families: readonly F[]): [verb: F["verb"], source: string, dtype: string][] {
  return families.flatMap(({ verb, sources, dtypes }) =>
    sources.flatMap((source) => dtypes.map((dtype): [F["verb"], string, string] => [verb, source, dtype])),
  );
}

/** Arranges a module's exports by a table, as K, beside what `kernels` has already; throws if one is missing. */
export function bindKernels<K>(
  exports: WebAssembly.Exports,
  families: readonly Family[],
  kernels: Record<string, Record<string, Record<string, unknown>>> = {},
): K {
  for (const [verb, source, dtype] of rowsOf(families)) {
    const name = `${source}_${verb}_${dtype}`;
    if (typeof exports[name] !== "function") throw new TypeError(`"module" expected a wasm-dropout module, got one without ${name}`);
    kernels[verb] ??= {};
    kernels[verb][source] ??= {};
    kernels[verb][source][dtype] = exports[name];
  }
  return kernels as K;
}

// The table of kernels: what the wasm module exports and with which signature. The wrapper binds it, and tests and benchmarks walk
// it row by row, so that no kernel exists untested; a module that lacks one is refused.

import { DTYPES, MASK_FORMATS, STORED_FORMATS } from "./dtypes.js";

/** Ways of deciding which elements are kept: docs/keep-streams.md. */
export type StreamKind = (typeof STREAM_KINDS)[number];
export const STREAM_KINDS = ["tile", "philox"] as const;

// Pointers are byte addresses, n counts elements, params is the address of the parameter record.
interface Signatures {
  mask: (dst: number, n: number, params: number) => undefined;
  dropout: (dst: number, src: number, n: number, params: number) => undefined;
  dropoutbits: (dst: number, src: number, bits: number, n: number, params: number) => undefined;
  apply: (dst: number, src: number, mask: number, n: number, params: number) => undefined;
  popcount: (mask: number, n: number) => number;
}

const FAMILIES = [
  { verb: "mask", sources: STREAM_KINDS, dtypes: MASK_FORMATS },
  { verb: "dropout", sources: STREAM_KINDS, dtypes: DTYPES },
  { verb: "dropoutbits", sources: STREAM_KINDS, dtypes: DTYPES },
  { verb: "apply", sources: STORED_FORMATS, dtypes: DTYPES },
  { verb: "popcount", sources: ["bits"], dtypes: ["u32"] },
] as const satisfies readonly { verb: keyof Signatures; sources: readonly string[]; dtypes: readonly string[] }[];

type Family = (typeof FAMILIES)[number];

/** The kernels of an instance: `kernels[verb][source][dtype]`. */
export type Kernels = {
  readonly [F in Family as F["verb"]]: Readonly<Record<F["sources"][number], Readonly<Record<F["dtypes"][number], Signatures[F["verb"]]>>>>;
};

/** Every kernel as [verb, source, dtype]; its export is named source_verb_dtype. */
export function kernelRows(): [verb: Family["verb"], source: string, dtype: string][] {
  return FAMILIES.flatMap(({ verb, sources, dtypes }) =>
    sources.flatMap((source) => dtypes.map((dtype): [Family["verb"], string, string] => [verb, source, dtype])),
  );
}

/** Arranges a module's exports by the table; throws if one is missing. */
export function bindKernels(exports: WebAssembly.Exports): Kernels {
  const kernels: Record<string, Record<string, Record<string, unknown>>> = {};
  for (const [verb, source, dtype] of kernelRows()) {
    const name = `${source}_${verb}_${dtype}`;
    if (typeof exports[name] !== "function") throw new TypeError(`"module" expected a wasm-dropout module, got one without ${name}`);
    kernels[verb] ??= {};
    kernels[verb][source] ??= {};
    kernels[verb][source][dtype] = exports[name];
  }
  return kernels as Kernels;
}

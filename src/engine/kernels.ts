// The tables of kernels: names and signatures of what the wasm modules export. The wrapper binds them, and tests and benchmarks walk
// them row by row, so that no kernel exists untested; a module that lacks one is refused.

import { DTYPES, HALF_DTYPES, type HalfDtype, MASK_FORMATS, STORED_FORMATS, type StoredFormat } from "../ground/dtypes.js";
import { STREAM_KINDS, type StreamKind } from "../stream/kinds.js";

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

/** The core's operations on 16-bit data: kernels of the module "half". */
export const HALF = [
  { verb: "dropout", sources: STREAM_KINDS, dtypes: HALF_DTYPES },
  { verb: "dropoutbits", sources: STREAM_KINDS, dtypes: HALF_DTYPES },
  { verb: "apply", sources: STORED_FORMATS, dtypes: HALF_DTYPES },
] as const satisfies readonly (Family & { verb: keyof Signatures })[];

/** The kernels of families F, with signatures S by verb: `kernels[verb][source][dtype]`. */
export type Bound<F extends Family, S extends Record<F["verb"], unknown>> = {
  readonly [G in F as G["verb"]]: Readonly<Record<G["sources"][number], Readonly<Record<G["dtypes"][number], S[G["verb"]]>>>>;
};

/** The kernels of the module "core". */
export type CoreKernels = Bound<(typeof CORE)[number], Signatures>;

/** The kernels of the module "half" that the core's operations use. */
export type HalfKernels = Bound<(typeof HALF)[number], Signatures>;

/** An operation's kernels by source and dtype; those of 16-bit data only in instances that know such data. */
type Elementwise<Sources extends string, K> = Readonly<
  Record<Sources, Readonly<Record<(typeof DTYPES)[number], K>> & { readonly [D in HalfDtype]?: K }>
>;

/** The kernels of an instance. */
export interface Kernels extends Pick<CoreKernels, "mask" | "popcount"> {
  readonly dropout: Elementwise<StreamKind, Signatures["dropout"]>;
  readonly dropoutbits: Elementwise<StreamKind, Signatures["dropoutbits"]>;
  readonly apply: Elementwise<StoredFormat, Signatures["apply"]>;
}

/** Returns the kernels of an instance that also knows 16-bit data; `core` stays as it is. */
export function withHalf(core: Kernels, half: HalfKernels): Kernels {
  const join = <S extends string, K>(a: Elementwise<S, K>, b: Record<S, Record<HalfDtype, K>>) =>
    Object.fromEntries(Object.keys(a).map((source) => [source, { ...a[source as S], ...b[source as S] }])) as Elementwise<S, K>;
  return {
    ...core,
    dropout: join(core.dropout, half.dropout),
    dropoutbits: join(core.dropoutbits, half.dropoutbits),
    apply: join(core.apply, half.apply),
  };
}

/** Every kernel as [verb, source, dtype]; its export is named source_verb_dtype. */
export function rowsOf<F extends Family>(families: readonly F[]): [verb: F["verb"], source: string, dtype: string][] {
  return families.flatMap(({ verb, sources, dtypes }) =>
    sources.flatMap((source) => dtypes.map((dtype): [F["verb"], string, string] => [verb, source, dtype])),
  );
}

/** Arranges a module's exports by a table, as K; throws TypeError if one is missing. */
export function bindKernels<K>(exports: WebAssembly.Exports, families: readonly Family[]): K {
  const kernels: Record<string, Record<string, Record<string, unknown>>> = {};
  for (const { verb, sources, dtypes } of families) {
    kernels[verb] ??= {};
    const bySource = kernels[verb];
    for (const source of sources) {
      bySource[source] ??= {};
      const byDtype = bySource[source];
      for (const dtype of dtypes) {
        const name = `${source}_${verb}_${dtype}`;
        if (typeof exports[name] !== "function") throw new TypeError(`"module" expected a wasm-dropout module, got one without ${name}`);
        byDtype[dtype] = exports[name];
      }
    }
  }
  return kernels as K;
}

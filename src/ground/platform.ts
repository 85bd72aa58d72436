// Types of the platform as declarations of this package name them: those of the program's library ("dom", "webworker", @types/node) where it
// has them, else the members that this package needs. The build puts them in place of the global names in all declarations.

/** A compiled module. */
export type Module = typeof globalThis extends { WebAssembly: { Module: { readonly prototype: infer M } } } ? M : object;

/** The memory of an instance. */
export type Memory = typeof globalThis extends { WebAssembly: { Memory: { readonly prototype: infer M } } }
  ? M
  : { readonly buffer: ArrayBuffer; grow(pages: number): number };

/** The exports of an instance. */
export type Exports = typeof globalThis extends { WebAssembly: { Instance: { readonly prototype: { readonly exports: infer E } } } }
  ? E
  : Record<string, unknown>;

/** The signal that stops a prediction. */
export type AbortSignal = typeof globalThis extends { AbortSignal: { readonly prototype: infer S } }
  ? S
  : {
      readonly aborted: boolean;
      readonly reason: unknown;
      addEventListener(type: "abort", listener: () => void): void;
      removeEventListener(type: "abort", listener: () => void): void;
    };

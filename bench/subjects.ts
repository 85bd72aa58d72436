// All subjects: every kernel of every table, the references beside them, and the API that a user calls, over n elements each.

import { EXTENSIONS, type ExtensionName } from "../modules.mjs";
import { instantiate } from "../src/engine/instantiate.js";
import { bindKernels, CORE, type CoreKernels, rowsOf } from "../src/engine/kernels.js";
import { Memory, OWN_BYTES } from "../src/engine/memory.js";
import { MAX_BYTES, OwnStore } from "../src/engine/store.js";
import { apiSubjects, coreSubjects, type Others, type Reference, referenceSubjects } from "./subjects/core.js";
import { Placement, type Subject } from "./subjects/subject.js";

/** The file of an extension's subjects: a function of its exports, of the core's kernels, and of other modules for what they are compared with. */
interface SubjectsFile {
  readonly subjects: (exports: WebAssembly.Exports, place: Placement, core: CoreKernels, others: Others) => Subject[];
}

/** The files of all extensions. The path has a form in which Vite finds them as well. */
const FILES = await Promise.all(EXTENSIONS.map(async (name) => ({ name, ...((await import(`./subjects/${name}.ts`)) as SubjectsFile) })));

/** All modules, of the same build. */
export interface Modules {
  /** build/core/simd.wasm or build/core/scalar.wasm. */
  readonly core: WebAssembly.Module;
  /** build/reference.wasm. */
  readonly reference: WebAssembly.Module;
  readonly extensions: Readonly<Record<ExtensionName, WebAssembly.Module>>;
}

/**
 * The subjects over `n` elements, in memories of their own, all pages of which have been touched.
 *
 * @param n a multiple of 16
 */
export function makeSubjects({ core, reference, extensions }: Modules, n: number): Subject[] {
  const memory = new Memory(new OwnStore(MAX_BYTES, OWN_BYTES));
  const place = new Placement(memory, n);
  const exportsOf = (module: WebAssembly.Module) => instantiate(module, memory.wasm);
  const kernels = bindKernels<CoreKernels>(exportsOf(core), CORE);
  const references = exportsOf(reference) as unknown as Reference;
  const others: Others = { reference: references, exportsOf: (name) => exportsOf(extensions[name]) };
  return [
    ...referenceSubjects(references, place),
    ...coreSubjects(kernels, rowsOf(CORE), place),
    ...FILES.flatMap(({ name, subjects }) => subjects(exportsOf(extensions[name]), place, kernels, others)),
    ...apiSubjects(core, n),
  ];
}

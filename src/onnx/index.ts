// Entry "wasm-dropout/onnx": Monte-Carlo dropout of ONNX models in onnxruntime-web or onnxruntime-node, which the caller imports.

import { Dropout } from "../core/dropout.js";
import { wrongKind } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { createMonteCarlo, MonteCarlo } from "../monte-carlo/index.js";
import { cutTypes, OnnxMonteCarlo } from "./onnx-monte-carlo.js";
import { readSiteOptions, SITE_KEYS, type SitesOptions, textOf } from "./options.js";
import { readModel, retype, writeModel } from "./proto.js";
import { type OnnxRuntime, Runtime } from "./runtime.js";
import { prepare } from "./sites.js";
import { split } from "./split.js";

export { type CutModel, type CutOptions, cutAtDropouts } from "./cut.js";
export { type ListedDropout, type ListedPoint, type ListedTensor, listDropouts, type ModelListing } from "./list.js";
export type { OnnxDropout, OnnxMonteCarlo, OnnxPredictOptions } from "./onnx-monte-carlo.js";
export type { BatchNorm, InsertAfter, InsertAtKinds, SitesOptions } from "./options.js";
export { type ProbeOptions, probeDropouts } from "./probe.js";
export { type MaskInput, type RewriteOptions, type RewrittenModel, rewriteDropouts } from "./rewrite.js";
export type { OnnxInputs, OnnxRuntime, OnnxTensor } from "./runtime.js";

/** Options of {@link createOnnxMonteCarlo}. */
export interface OnnxOptions extends SitesOptions {
  /** The module object of onnxruntime-web or onnxruntime-node: `import * as ort from "onnxruntime-web"`. */
  ort: OnnxRuntime;
  /** Bytes of an ONNX file. They are read at once. */
  model: ArrayBuffer | Uint8Array;
  /** Name of the output to predict, of floating-point numbers; needed where dropout reaches several. */
  outputName?: string | undefined;
  /** Options of the sessions, such as `executionProviders`, or `externalData` for weights in other files. */
  sessionOptions?: object | undefined;
  /** Monte-Carlo dropout over the instance; by default one is made. Where a runtime forbids to compile wasm, make it by that runtime's entry. */
  monteCarlo?: MonteCarlo | undefined;
}
const ONNX_KEYS: Known = /* @__PURE__ */ known(SITE_KEYS, "ort", "model", "outputName", "sessionOptions", "monteCarlo");

/**
 * Opens an ONNX model for Monte-Carlo dropout: its Dropout nodes, and those that `insert` adds, drop in each pass by masks of the instance's keep stream.
 * The model is cut before the first that does, into two sessions of the caller's runtime.
 *
 * @param dropout the instance whose kernels draw the masks; none of its stream numbers are used
 * @param options see {@link OnnxOptions}
 * @throws (rejects with) TypeError for a wrong kind of argument; RangeError for bytes that are no model of operator set 7 or newer, one without dropout or
 * with what cannot be supported, by name, or names and rates that do not fit; the errors of the runtime
 * @example
 * import { createOnnxMonteCarlo } from "wasm-dropout/onnx";
 * async function open(ort, model) {
 *   return await createOnnxMonteCarlo(dropout, { ort, model, insert: [{ kinds: "Relu", p: 0.1 }] });
 * }
 */
export async function createOnnxMonteCarlo(dropout: Dropout, options: OnnxOptions): Promise<OnnxMonteCarlo> {
  const engine = Dropout._engineOf(dropout);
  if (engine === undefined) throw wrongKind("dropout", "Dropout of this package", dropout);
  checkOptions(options, ONNX_KEYS);
  const { ort, model, rates, insert, batchNorm, outputName, sessionOptions, monteCarlo: given } = options;
  const runtime = new Runtime(ort, sessionOptions);
  const sites = readSiteOptions({ rates, insert, batchNorm });
  const name = outputName === undefined ? undefined : textOf(outputName, "outputName");
  if (given !== undefined && !((given as unknown) instanceof MonteCarlo))
    throw wrongKind("monteCarlo", "MonteCarlo of this package", given);
  const parts = split(prepare(readModel(model), sites), name, dropout.kind, { data: true, products: runtime.onCpu });
  // Before anything is waited for, during which the caller may change the bytes.
  const prefixBytes = parts.prefix === undefined ? undefined : writeModel(parts.prefix.model);
  const { model: restModel, inputs: restInputs } = parts.rest;
  const untypedRest = writeModel(restModel);
  const monteCarlo = given ?? (await createMonteCarlo(dropout));
  const prefix = prefixBytes === undefined ? undefined : await runtime.open(prefixBytes);
  try {
    const restBytes = retype(untypedRest, parts.crossing, cutTypes(prefix));
    const rest = await runtime.open(restBytes.slice());
    return new OnnxMonteCarlo({ dropout, engine, monteCarlo, runtime, split: parts, prefix, rest, restBytes, restInputs });
  } catch (error) {
    await prefix?.release?.();
    throw error;
  }
}

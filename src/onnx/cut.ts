// The two parts of a model as files: what all passes have in common, and what each of them runs.

import { checkChoice } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { STREAM_KINDS, type StreamKind } from "../stream/kinds.js";
import { neededFor } from "./graph.js";
import { readSiteOptions, SITE_KEYS, type SitesOptions, textOf } from "./options.js";
import { dimsOf, type GraphProto, type ModelProto, readModel, withGraph, writeModel } from "./proto.js";
import type { MaskInput } from "./rewrite.js";
import { prepare } from "./sites.js";
import { split } from "./split.js";

/** Options of {@link cutAtDropouts}. */
export interface CutOptions extends SitesOptions {
  /** Name of the output that is wanted; needed where dropout reaches several. */
  outputName?: string | undefined;
  /** Keep stream that the masks will be of, whose realised probability gives the scale: "tile" (default) or "philox". */
  kind?: StreamKind | undefined;
}
const CUT_KEYS: Known = /* @__PURE__ */ known(SITE_KEYS, "outputName", "kind");

/** Result of {@link cutAtDropouts}. */
export interface CutModel {
  /** The bytes of the part before the first live dropout, whose outputs are `cut`; undefined if there is nothing. */
  readonly prefix: Uint8Array<ArrayBuffer> | undefined;
  /** Names of the tensors that cross the cut. */
  readonly cut: readonly string[];
  /** The bytes of the part that each pass runs. Its inputs are `cut`, masks, and those inputs of the model that it reads itself. */
  readonly rest: Uint8Array<ArrayBuffer>;
  /** The inputs of `rest` for masks. */
  readonly masks: readonly MaskInput[];
  /** Name of the output of `rest`: that of the model, unless it is of 16 bits and has been widened. */
  readonly outputName: string;
}

const NO_OPTIONS = {};

/**
 * Cuts a model before the first live dropout, as {@link createOnnxMonteCarlo} does, into two models to be saved and run anywhere. Dropout of the second
 * is a selection by masks that are inputs, as in {@link rewriteDropouts}.
 *
 * @param model bytes of an ONNX file
 * @param options see {@link CutOptions}
 * @returns the bytes of both parts, and the names of what they hand over
 * @throws TypeError for a wrong kind of argument; RangeError for bytes that are no model, one without dropout or with what cannot be supported, by name, or a
 * value out of range
 * @example
 * import { cutAtDropouts } from "wasm-dropout/onnx";
 * try {
 *   cutAtDropouts(new Uint8Array());
 * } catch (error) {
 *   error.message; // "model" expected bytes of an ONNX model, got none
 * }
 */
export function cutAtDropouts(model: ArrayBuffer | Uint8Array, options: CutOptions = NO_OPTIONS): CutModel {
  checkOptions(options, CUT_KEYS);
  const { kind = "tile", outputName, rates, insert, batchNorm } = options;
  checkChoice(kind, "kind", STREAM_KINDS);
  const read = readSiteOptions({ rates, insert, batchNorm });
  const name = outputName === undefined ? undefined : textOf(outputName, "outputName");
  const prepared = prepare(readModel(model), read);
  const { valueInfo, output, input } = prepared.graph;
  const infos = new Map([...valueInfo, ...output, ...input].map((info) => [info.name, info]));
  const { prefix, cut, rest, sites, target } = split(prepared, name, kind);
  return {
    prefix: prefix && writeModel(prefix.model),
    cut,
    rest: writeModel(withOutput(rest.model, target.result)),
    masks: sites.map(({ name, p, input, data }) => ({ input, name, p, shape: dimsOf(infos.get(data)) })),
    outputName: target.result,
  };
}

/** Returns a model with one of its outputs and what that needs. */
function withOutput(model: ModelProto, name: string): ModelProto {
  const { node, output } = model.graph as GraphProto;
  return withGraph(model, {
    node: neededFor(node, [name]).nodes,
    output: output.filter((one) => one.name === name),
  });
}

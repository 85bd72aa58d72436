// The whole model with its masks as inputs, to be saved and run anywhere.

import { checkChoice } from "../ground/check.js";
import { checkOptions, type Known, known } from "../ground/options.js";
import { STREAM_KINDS, type StreamKind } from "../stream/kinds.js";
import { neededFor } from "./graph.js";
import { lower } from "./lower.js";
import { readSiteOptions, SITE_KEYS, type SitesOptions } from "./options.js";
import { DataType, dimsOf, makeValueInfo, opsetOf, readModel, withGraph, writeModel } from "./proto.js";
import { prepare } from "./sites.js";

/** Options of {@link rewriteDropouts}. */
export interface RewriteOptions extends SitesOptions {
  /** Keep stream that the masks will be of, whose realised probability gives the scale: "tile" (default) or "philox". */
  kind?: StreamKind | undefined;
}
const REWRITE_KEYS: Known = /* @__PURE__ */ known(SITE_KEYS, "kind");

/** An input of a rewritten model. */
export interface MaskInput {
  /** Name of the input, a tensor of bool: true keeps. */
  readonly input: string;
  /** Name of the dropout, as {@link listDropouts} gives it. */
  readonly name: string;
  /** Drop probability that the scale of kept elements is for. */
  readonly p: number;
  /** The shape of the data, where the file has it: masks are of that shape, or of one that broadcasts to it. */
  readonly shape: readonly (number | string | null)[] | undefined;
}

/** Result of {@link rewriteDropouts}. */
export interface RewrittenModel {
  /** The bytes of the model. */
  readonly model: Uint8Array<ArrayBuffer>;
  readonly masks: readonly MaskInput[];
}

const NO_OPTIONS = {};

/**
 * Rewrites a model so that its dropout is fed: each Dropout node, and each that is inserted, becomes a selection by a mask that is an input of the model.
 * Kept elements are multiplied by 1 / (1 - P(drop)), dropped ones are 0, whatever they held.
 *
 * @param model bytes of an ONNX file
 * @param options see {@link RewriteOptions}
 * @returns the bytes of the new model, and its masks
 * @throws TypeError for a wrong kind of argument; RangeError for bytes that are no model, one that cannot be rewritten, or a value out of range
 * @example
 * import { rewriteDropouts } from "wasm-dropout/onnx";
 * try {
 *   rewriteDropouts(new Uint8Array());
 * } catch (error) {
 *   error.message; // "model" expected bytes of an ONNX model, got none
 * }
 */
export function rewriteDropouts(model: ArrayBuffer | Uint8Array, options: RewriteOptions = NO_OPTIONS): RewrittenModel {
  checkOptions(options, REWRITE_KEYS);
  const { kind = "tile", rates, insert, batchNorm } = options;
  checkChoice(kind, "kind", STREAM_KINDS);
  const read = readSiteOptions({ rates, insert, batchNorm });
  const prepared = prepare(readModel(model), read);
  const { graph, sites, fresh } = prepared;
  const opset = opsetOf(prepared.model);
  const infos = new Map([...graph.valueInfo, ...graph.output, ...graph.input].map((info) => [info.name, info]));
  const masks = sites.map(({ name, p, data, out }) => {
    const info = [infos.get(data), infos.get(out)].find((one) => dimsOf(one) !== undefined);
    return { input: fresh.take(`${name}/keep`), name, p, shape: dimsOf(info) };
  });
  const nodes = new Map(sites.map((site, k) => [site.node, lower(site, (masks[k] as MaskInput).input, kind, opset, fresh)]));
  const node = graph.node.flatMap((one) => nodes.get(one)?.nodes ?? [one]);
  const { reads } = neededFor(node, node.flatMap(({ output }) => output).concat(graph.output.map(({ name }) => name)));
  const constants = [...nodes.values()].flatMap((one) => one.constants);
  const initializer = graph.initializer.filter(({ name }) => reads.has(name)).concat(constants);
  const kept = new Set(initializer.map(({ name }) => name));
  const lost = new Set(graph.initializer.map(({ name }) => name).filter((name) => !kept.has(name)));
  // An input that only dropout read, its ratio or mode, is an input no more.
  const settings = new Set(sites.flatMap(({ node }) => node.input.slice(1)));
  const input = graph.input.filter(({ name }) => !lost.has(name) && (reads.has(name) || !settings.has(name)));
  const own = masks.map(({ input: name, shape }) => makeValueInfo(name, DataType.BOOL, shape));
  const valueInfo = graph.valueInfo.filter(({ name }) => !masks.some((mask) => mask.input === name));
  return { model: writeModel(withGraph(prepared.model, { node, initializer, input: [...input, ...own], valueInfo })), masks };
}

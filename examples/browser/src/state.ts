// The visitor's choices, and their form as the hash of a link: all that a picture depends on.

import type { StreamKind } from "wasm-dropout";
import { DIGITS } from "./digits.js";
import { Drawing } from "./drawing.js";

export interface State {
  /** A digit, "0" to "9", or the text of a drawing. */
  readonly x: string;
  /** Drop probability. */
  readonly p: number;
  readonly seed: bigint;
  readonly kind: StreamKind;
}

export const INITIAL: State = { x: "4", p: 0.3, seed: 42n, kind: "tile" };

/** The pixels of x; throws RangeError if it is neither digit nor drawing. */
export function pixelsOf(x: string): Float32Array<ArrayBuffer> {
  return DIGITS.find(({ label }) => `${label}` === x)?.pixels ?? Drawing.parse(x).pixels;
}

export function toHash({ x, p, seed, kind }: State): string {
  return `#${new URLSearchParams({ x, p: `${p}`, seed: `${seed}`, kind })}`;
}

/** The state of a hash; what it does not name is as at first. Values are checked where they are used. */
export function fromHash(hash: string): State {
  const fields = new URLSearchParams(hash.slice(1));
  const { x, p, seed, kind } = INITIAL;
  return {
    x: fields.get("x") ?? x,
    p: parseP(fields.get("p") ?? `${p}`),
    seed: parseSeed(fields.get("seed") ?? `${seed}`),
    kind: (fields.get("kind") ?? kind) as StreamKind,
  };
}

// Text that is no number stays text: the package refuses it in words that fit.

export function parseP(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  return Number.isNaN(value) ? (text as unknown as number) : value;
}

export function parseSeed(text: string): bigint {
  return /^\s*\d+\s*$/.test(text) ? BigInt(text) : (text as unknown as bigint);
}

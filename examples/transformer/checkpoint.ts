// The bytes of all that a training goes on from: a line of JSON, and the numbers behind it.

import type { io } from "@tensorflow/tfjs-core";
import type { TfjsState } from "wasm-dropout/tfjs";
import type { Point, Settings } from "./settings.js";
import type { Text } from "./text.js";

export interface Header {
  readonly settings: Settings;
  /** A checksum of the text that it learns from. */
  readonly text: number;
  readonly masks: TfjsState;
  readonly curve: readonly Point[];
  readonly specs: readonly io.WeightsManifestEntry[];
}

/** The place where the last state of a training is kept. */
export interface Store {
  /** Resolves to what was written last, whole; undefined if nothing was. */
  read(): Promise<Uint8Array | undefined>;
  write(state: Uint8Array): Promise<void>;
}

const NEWLINE = 0x0a;

export function pack(header: Header, data: ArrayBuffer): Uint8Array<ArrayBuffer> {
  const line = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
  const bytes = new Uint8Array(line.length + data.byteLength);
  bytes.set(line);
  bytes.set(new Uint8Array(data), line.length);
  return bytes;
}

/** Returns what {@link pack} was given, its numbers as bytes. */
export function unpack(bytes: Uint8Array): { header: Header; data: ArrayBuffer } {
  const end = bytes.indexOf(NEWLINE);
  return { header: JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))), data: new Uint8Array(bytes.subarray(end + 1)).buffer };
}

/** FNV-1a of 32 bits (http://www.isthe.com/chongo/tech/comp/fnv/) over numbers of characters. */
export function checksum({ alphabet, training, validation }: Text): number {
  const codes = [...Array.from(alphabet, (character) => character.codePointAt(0) as number), ...training, ...validation];
  return codes.reduce((hash, code) => Math.imul(hash ^ code, 0x01000193), 0x811c9dc5 | 0);
}

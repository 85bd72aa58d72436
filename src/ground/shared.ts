// Memory that several SharedArrayBuffer objects may show: each message and each structuredClone makes another object of the same bytes.

import { bufferOf, isArrayBuffer, lengthOf, offsetOf } from "./check.js";

/**
 * Returns true if two typed arrays lie in one memory: in one buffer, or in two SharedArrayBuffers of the same bytes. As nothing else tells that, the first byte
 * of `written`, which its owner is about to write, is changed for a moment.
 */
export function haveOneMemory(written: ArrayBufferView, other: ArrayBufferView): boolean {
  const mine = bufferOf(written);
  const theirs = bufferOf(other);
  if (mine === theirs) return true;
  if (lengthOf(written) === 0 || isArrayBuffer(mine) || isArrayBuffer(theirs)) return false;
  const at = offsetOf(written);
  // All objects of a shared memory begin at its first byte.
  const a = new Uint8Array(mine);
  const b = new Uint8Array(theirs);
  if (at >= lengthOf(b)) return false;
  const before = Atomics.load(a, at);
  if (Atomics.load(b, at) !== before) return false;
  Atomics.store(a, at, before ^ 0xff);
  const same = Atomics.load(b, at) !== before;
  Atomics.store(a, at, before);
  return same;
}

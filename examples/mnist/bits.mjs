// Bit masks: a bit an element, least significant first, 1 = keep.

/**
 * @param {Uint8Array} mask
 * @param {number} index
 */
export function isKept(mask, index) {
  return (((mask[index >> 3] ?? 0) >> (index & 7)) & 1) === 1;
}

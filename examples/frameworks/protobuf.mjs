// The encoding of protocol buffers (protobuf.dev/programming-guides/encoding): a key, which is field * 8 + wire type, and what the wire type says.

/** @param {number} value @returns {number[]} 7 bits a byte, least significant first */
function varint(value) {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

/** Wire type 0. @param {number} field @param {number} value */
export function integer(field, value) {
  return [...varint(field * 8), ...varint(value)];
}

/** Wire type 2: a message or a string after its length. @param {number} field @param {Iterable<number>} content */
export function bytes(field, content) {
  const all = [...content];
  return [...varint(field * 8 + 2), ...varint(all.length), ...all];
}

/** @param {number} field @param {string} content */
export function text(field, content) {
  return bytes(field, new TextEncoder().encode(content));
}

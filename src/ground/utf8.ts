// Bytes of text, where TextEncoder is missing too.

/** Returns the bytes of `text` in UTF-8, as TextEncoder does: half a surrogate pair by itself is U+FFFD. */
export function utf8Of(text: string): number[] {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    const code = point >= 0xd800 && point < 0xe000 ? 0xfffd : point;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), tail(code));
    else if (code < 0x10000) bytes.push(0xe0 | (code >> 12), tail(code >> 6), tail(code));
    else bytes.push(0xf0 | (code >> 18), tail(code >> 12), tail(code >> 6), tail(code));
  }
  return bytes;
}

/** The lowest six bits, as a byte that goes on. */
const tail = (code: number) => 0x80 | (code & 0x3f);

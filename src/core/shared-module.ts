// The published modules import a memory that is not shared; a shared one has another type. The code is the same for both, so the import alone is
// rewritten: WebAssembly core specification 3.0, sections 5.3.15 (limits) and 5.5.5 (import section).

const HEADER = 8;
const IMPORTS = 2;
/** The content of an import section with env.memory alone, up to its limits, which begin with their flags. */
const ENV_MEMORY = "\x01\x03env\x06memory\x02";
/** Flags of limits: without a maximum, and shared with one. */
const [PLAIN, SHARED] = [0, 3];
/** 65,536 pages as LEB128, the most that 32-bit addresses reach: a shared memory needs a maximum, and fits an import with a larger one. */
const PAGES = [0x80, 0x80, 0x04];

/**
 * Returns the bytes of a module of this package that imports a shared memory in place of one that is not; those of a module with other imports as
 * they are.
 */
export function forSharedMemory(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  for (let at = HEADER; at < bytes.length; ) {
    const id = bytes[at];
    let size = 0;
    let begin = at + 1;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[begin++] ?? 0;
      size += (byte & 127) * factor;
      if (byte < 128) break;
    }
    const end = begin + size;
    if (id === IMPORTS) {
      const flags = begin + ENV_MEMORY.length;
      if (String.fromCharCode(...bytes.subarray(begin, flags)) !== ENV_MEMORY || bytes[flags] !== PLAIN) break;
      const limits = [SHARED, ...bytes.subarray(flags + 1, end), ...PAGES];
      // Fewer than 128 bytes, whose number is one byte.
      const section = [IMPORTS, size + PAGES.length, ...bytes.subarray(begin, flags), ...limits];
      return Uint8Array.from([...bytes.subarray(0, at), ...section, ...bytes.subarray(end)]);
    }
    at = end;
  }
  return Uint8Array.from(bytes);
}

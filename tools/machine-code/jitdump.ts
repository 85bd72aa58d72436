// Reads the machine code that V8 writes with --perf-prof. Source: jitdump-specification.txt of Linux's tools/perf.

/** A function that was compiled. */
export interface Compiled {
  readonly name: string;
  readonly code: Uint8Array;
}

const MAGIC = 0x4a695444;
/** A record's id, its size and its time. */
const HEADER = 16;
const CODE_LOAD = 0;
/** Process, thread, two addresses, size and index of the code, before its name. */
const CODE_LOAD_HEADER = HEADER + 40;

/** The functions of a little-endian jitdump file, in its order; throws an Error where it is none. */
export function readJitdump(file: Uint8Array): Compiled[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 12 || view.getUint32(0, true) !== MAGIC) throw new Error("not a jitdump file of a little-endian machine");
  const functions: Compiled[] = [];
  let at = view.getUint32(8, true);
  while (at + HEADER <= file.length) {
    const size = view.getUint32(at + 4, true);
    if (size < HEADER || at + size > file.length) throw new Error(`jitdump: a record of ${size} bytes at ${at} of ${file.length}`);
    if (view.getUint32(at, true) === CODE_LOAD) {
      const name = at + CODE_LOAD_HEADER;
      const end = file.indexOf(0, name);
      const code = file.subarray(end + 1, end + 1 + Number(view.getBigUint64(at + HEADER + 24, true)));
      functions.push({ name: new TextDecoder().decode(file.subarray(name, end)), code });
    }
    at += size;
  }
  return functions;
}

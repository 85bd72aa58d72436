// The memory.copy instruction on a wasm memory, to compare with.

// (module (import "m" "m" (memory 0)) (func (export "c") (param i32 i32 i32) local.get 0 local.get 1 local.get 2 memory.copy))
const MODULE = Buffer.from(
  [
    "0061736d 01000000", // magic number and version
    "01 07 01 60 03 7f7f7f 00", // type: (i32, i32, i32) -> ()
    "02 08 01 01 6d 01 6d 02 00 00", // import: m.m, a memory of at least 0 pages
    "03 02 01 00", // function 0 is of type 0
    "07 05 01 01 63 00 00", // export: c, function 0
    "0a 0e 01 0c 00 2000 2001 2002 fc0a 00 00 0b", // code
  ]
    .join("")
    .replaceAll(" ", ""),
  "hex",
);

/**
 * @param {WebAssembly.Memory} memory
 * @returns {(destination: number, source: number, bytes: number) => void}
 */
export function bindMemoryCopy(memory) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MODULE), { m: { m: memory } });
  return /** @type {(destination: number, source: number, bytes: number) => void} */ (exports.c);
}

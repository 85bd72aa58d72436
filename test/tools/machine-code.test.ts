// That `npm run bench:code` reads machine code rightly, and that no kernel is left out. Takes some 10 s.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, type TestContext } from "vitest";
import { MODULES } from "../../modules.mjs";
import { type Instruction, readInstructions, whyNot } from "../../tools/machine-code/assembly.js";
import { CLASSES, classOf, isVector } from "../../tools/machine-code/classes.js";
import { countLoop } from "../../tools/machine-code/count.js";
import { GENERATOR, HOT } from "../../tools/machine-code/hot.js";
import { readJitdump } from "../../tools/machine-code/jitdump.js";
import { loopsOf } from "../../tools/machine-code/loops.js";
import { readWat } from "../../tools/machine-code/wat.js";
import { HANG_MS } from "../support/limits.js";
import { missing } from "../support/missing.js";

const cwd = fileURLToPath(new URL("../..", import.meta.url));

/** A jitdump file of these records: id and what follows the record's header. */
function jitdump(records: readonly (readonly [id: number, content: Buffer])[]): Buffer {
  const header = Buffer.alloc(48);
  // A header may be longer than the fields that are known.
  for (const [at, value] of [0x4a695444, 1, header.length].entries()) header.writeUInt32LE(value, 4 * at);
  const written = records.map(([id, content]) => {
    const head = Buffer.alloc(16);
    head.writeUInt32LE(id, 0);
    head.writeUInt32LE(head.length + content.length, 4);
    return Buffer.concat([head, content]);
  });
  return Buffer.concat([header, ...written]);
}

/** The content of a record of `code`; what follows the code does not belong to it. */
function loaded(name: string, code: readonly number[]): Buffer {
  const head = Buffer.alloc(40);
  head.writeBigUInt64LE(BigInt(code.length), 24);
  return Buffer.concat([head, Buffer.from(`${name}\0`), Buffer.from(code), Buffer.from([0xaa])]);
}

describe("jitdump", () => {
  it("gives the code of each function", () => {
    const file = jitdump([
      [2, Buffer.alloc(24)],
      [0, loaded("JS:wasm-function[3]", [1, 0, 3])],
      [4, Buffer.alloc(8)],
      [0, loaded("JS:näme", [])],
    ]);
    // Also if the buffer of a view begins elsewhere.
    const shifted = Buffer.concat([Buffer.alloc(5), file]).subarray(5);
    for (const one of [file, shifted]) {
      expect(readJitdump(one).map(({ name, code }) => [name, [...code]])).toEqual([
        ["JS:wasm-function[3]", [1, 0, 3]],
        ["JS:näme", []],
      ]);
    }
    expect(readJitdump(jitdump([]))).toEqual([]);
  });

  it("is refused where it is none or broken", () => {
    expect(() => readJitdump(new Uint8Array(64))).toThrow("not a jitdump file");
    expect(() => readJitdump(new Uint8Array(3))).toThrow("not a jitdump file");
    const cut = jitdump([[0, loaded("f", [1, 2, 3])]]).subarray(0, -1);
    expect(() => readJitdump(cut)).toThrow("a record of");
    const endless = jitdump([[0, Buffer.alloc(0)]]);
    endless.writeUInt32LE(0, 48 + 4);
    expect(() => readJitdump(endless)).toThrow("a record of 0 bytes");
  });
});

describe("disassembly", () => {
  it("is read line by line", () => {
    const text = `
code:     file format binary

0000000000000000 <.data>:
   0:\tvmovdqu xmm1,XMMWORD PTR [rbx+r11*1]
  1a:\tjb     0x40
  1c:\tjmp    2540 <main+0x20>
  1e:\tmovaps xmm0,XMMWORD PTR [rip+0x12]        # 3000 <table>
  20:\trep stos DWORD PTR es:[rdi],eax
  22:\tret
  23:\t(bad)
\t...
`;
    expect(readInstructions(text).map(({ address, mnemonic, operands }) => [address, mnemonic, operands])).toEqual([
      [0, "vmovdqu", "xmm1,XMMWORD PTR [rbx+r11*1]"],
      [0x1a, "jb", "0x40"],
      [0x1c, "jmp", "2540"],
      [0x1e, "movaps", "xmm0,XMMWORD PTR [rip+0x12]"],
      [0x20, "stos", "DWORD PTR es:[rdi],eax"],
      [0x22, "ret", ""],
      [0x23, "(bad)", ""],
    ]);
  });

  it.each([
    ["vpaddd xmm1,xmm2,xmm3", "arithmetic"],
    ["paddd xmm1,XMMWORD PTR [rax]", "arithmetic"],
    ["vpmaxsd xmm8,xmm10,xmm8", "arithmetic"],
    ["vpmovmskb r11d,xmm1", "arithmetic"],
    ["vcvtps2pd xmm4,QWORD PTR [rdi+r11*1]", "arithmetic"],
    ["vpcmpeqb xmm1,xmm1,xmm3", "arithmetic"],
    ["vpunpcklwd xmm8,xmm4,xmm4", "shuffle"],
    ["vpackusdw xmm5,xmm6,xmm5", "shuffle"],
    ["vpmovzxbw xmm4,QWORD PTR [rdx+r12*1]", "shuffle"],
    ["vbroadcastss xmm1,xmm0", "shuffle"],
    ["vmovshdup xmm5,xmm0", "shuffle"],
    ["vmovdqu xmm1,XMMWORD PTR [rbx+r11*1]", "load"],
    ["movzx r11d,BYTE PTR [rcx+r11*1]", "load"],
    ["vmovss xmm2,DWORD PTR [rdi+r12*1]", "load"],
    ["movups XMMWORD PTR [rdi+0x10],xmm2", "store"],
    ["mov DWORD PTR [rsp+r8*4+0x10],eax", "store"],
    ["vmovups xmm0,XMMWORD PTR [rbp-0x60]", "stack"],
    ["mov QWORD PTR [rsp+0x8],rax", "stack"],
    ["vmovapd xmm1,xmm2", "move"],
    ["vmovd xmm2,r12d", "move"],
    ["movabs r10,0x2be6d20", "move"],
    ["vpxor xmm0,xmm0,xmm0", "move"],
    ["pxor xmm0,xmm0", "move"],
    ["vpcmpeqd xmm4,xmm4,xmm4", "move"],
    ["xor r8d,r8d", "move"],
    ["xor r8d,r9d", "scalar"],
    ["vaddsd xmm0,xmm0,xmm1", "scalar"],
    ["vcvtsi2sd xmm8,xmm15,r10", "scalar"],
    ["cmovne r11d,r12d", "scalar"],
    ["cmp rsp,QWORD PTR [r11]", "scalar"],
    ["lea r11d,[rax+r11*8]", "scalar"],
    ["jbe 0xa34", "branch"],
    ["call 0xffffffffffff31ca", "branch"],
  ])("%s is %s", (text, expected) => {
    expect(classOf(read(`0 ${text}`)[0] as Instruction)).toBe(expected);
  });
});

/** Instructions, one a line: address, mnemonic, operands. */
function read(text: string): Instruction[] {
  return readInstructions(text.trim().replace(/^ *(\S+) /gm, "  $1:\t"));
}

/** Head, addresses of a pass, and heads of inner loops of each loop. */
function loops(text: string): [number, number[], number[]][] {
  return loopsOf(read(text), isVector).map(({ head, pass, inner }) => [head, pass.map(({ address }) => address), [...inner]]);
}

describe("loops", () => {
  it("begin where a jump leads back to", () => {
    const code = `
      0 mov eax,0x0
      1 paddd xmm0,xmm1
      2 cmp eax,0x10
      3 jb 0x1
      4 ret`;
    expect(loops(code)).toEqual([[1, [1, 2, 3], []]]);
    expect(loops("0 mov eax,0x0\n1 ret")).toEqual([]);
    expect(loops("")).toEqual([]);
    expect(loops("0 jmp 0x0")).toEqual([[0, [0], []]]);
  });

  it("are not where rare code at the end comes back, nor pass through it", () => {
    const code = `
      0 mov eax,0x0
      1 cmp rsp,QWORD PTR [r8]
      2 jbe 0x8
      3 paddd xmm0,xmm1
      4 cmp eax,0x10
      5 jb 0x1
      6 ret
      8 call 0x100
      9 jmp 0x3
      a jmp 0x3`;
    expect(loops(code)).toEqual([[1, [1, 2, 3, 4, 5], []]]);
  });

  it("pass through every copy of an unrolled body", () => {
    const code = `
      0 cmp eax,ecx
      1 jae 0x6
      2 paddd xmm0,xmm1
      3 cmp eax,ecx
      4 jae 0x6
      5 jmp 0x0
      6 ret`;
    expect(loops(code)).toEqual([[0, [0, 1, 2, 3, 4, 5], []]]);
  });

  it("inside others do not count for those, whose pass goes where vectors are", () => {
    const code = `
      0 cmp eax,ecx
      1 jae 0x9
      2 test edx,edx
      3 je 0x7
      4 paddd xmm0,xmm1
      5 paddd xmm0,xmm2
      6 jmp 0x0
      7 dec edx
      8 jne 0x7
      88 jmp 0x0
      9 ret`;
    expect(loops(code)).toEqual([
      [0, [0, 1, 2, 3, 4, 5, 6], [7]],
      [7, [7, 8], []],
    ]);
  });

  it("are counted by the marks in them, and by what is beside", () => {
    const code = `
      0 paddd xmm0,xmm1
      1 jb 0x0
      2 psrld xmm0,0x15
      3 pminub xmm0,xmm2
      4 vpsrld xmm1,xmm0,0x15
      5 vpsrld xmm1,xmm0,0x14
      6 jb 0x2
      7 psrld xmm0,0x15
      8 psrld xmm1,0x15
      9 psrld xmm2,0x15
      a jb 0x7
      b ret`;
    const { elements, instructions, classes } = countLoop(read(code), GENERATOR) ?? { classes: {} };
    expect([elements, instructions]).toEqual([32, 5]);
    expect(classes).toEqual({ arithmetic: 4, shuffle: 0, load: 0, store: 0, move: 0, scalar: 0, branch: 1, stack: 0 });
    expect(countLoop(read(code), { mark: GENERATOR.mark, elements: 16 })).toMatchObject({ elements: 48, instructions: 4 });
    expect(countLoop(read("0 paddd xmm0,xmm1\n1 jb 0x0\n2 ret"), GENERATOR)).toBeUndefined();
  });
});

describe("names", () => {
  it("are those of the text, with all that a kernel calls", () => {
    const text = `(module
 (type $0 (func (param i32)))
 (import "env" "memory" (memory $0 0))
 (export "a_f32" (func $assembly/index/a))
 (export "b_f32" (func $assembly/index/b))
 (func $"assembly/stream/tile/tile<assembly/epilogue/select/Select<f32>>" (param $0 i32)
  (call $assembly/deep
   (local.get $0)
  )
 )
 (func $assembly/deep (param $0 i32)
  local.get $0
  call $assembly/deep
 )
 (func $assembly/index/a (param $0 i32)
  local.get $0
  call $"assembly/stream/tile/tile<assembly/epilogue/select/Select<f32>>"
 )
 (func $assembly/index/b (param $0 i32)
 )
)`;
    const { names, reached } = readWat(text);
    expect(names).toEqual(["stream/tile/tile<epilogue/select/Select<f32>>", "deep", "index/a", "index/b"]);
    expect([...reached].map(([kernel, all]) => [kernel, [...all].sort()])).toEqual([
      ["a_f32", [0, 1, 2]],
      ["b_f32", [3]],
    ]);
  });

  // Blocks are taken by words of bits, and only runs of whole vectors between them by vectors; the vote looks for the largest class; several
  // probabilities are compared one by one; of variants, what counts, copies rows, or sums in the order of the elements; of attention, the steps beside
  // its products and powers, once a row; fused kernels of f64, which are there for accuracy.
  const UNCOUNTED = [
    ...["bits_scatter_bits", "bits_dilate_bits", "probabilities_vote_f32", "probabilities_vote_f64"],
    ...["tile_integers_f64", "philox_integers_f64", "bits_certain_f64", "integers_rated_f32", "integers_rated_f64", "integers_rated_bits"],
    ...["rows_finish_f32", "rows_pack_f32", "rows_dots_f32"],
    ...["words_fill_u32", "largest_mark_bytes", "bytes_index_u32", "rows_gather_bytes", "rows_scatter_bytes", "words_softengradient_f32"],
  ];

  it.each(MODULES.map(({ name }) => `${name}/`))("%s: every kernel has a hot loop", (folder) => {
    const { names, reached } = readWat(readFileSync(new URL(`../../build/${folder}simd.wat`, import.meta.url), "utf8"));
    const module = new WebAssembly.Module(readFileSync(new URL(`../../build/${folder}simd.wasm`, import.meta.url)));
    expect([...reached.keys()]).toEqual(WebAssembly.Module.exports(module).map(({ name }) => name));
    const without = [...reached].filter(
      ([, all]) =>
        ![...all].some(
          (index) => !names[index]?.startsWith("stream/generator/") && HOT.some(({ functions }) => functions.test(names[index] as string)),
        ),
    );
    const uncounted = (kernel: string) => UNCOUNTED.includes(kernel) || (folder === "fused/" && /^bytes_\w+_f64$/.test(kernel));
    expect(without.map(([kernel]) => kernel).filter((kernel) => !uncounted(kernel))).toEqual([]);
  });
});

/** The command's exit code and what it prints. */
function run(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return spawnSync(process.execPath, ["--import", "tsx", "tools/machine-code/run.ts", ...args], {
    cwd,
    env,
    encoding: "utf8",
    timeout: HANG_MS,
  });
}

describe("the command", () => {
  /** Leaves a test that counts where that is impossible. */
  function needCounts(context: TestContext): void {
    if (process.arch !== "x64") context.skip("only x86-64 is counted");
    const reason = whyNot();
    if (reason !== undefined) missing(context, "objdump", reason);
  }

  // Vectors of data in and out, and a shuffle to widen a mask. The loop without ties has no notes, the other at least one for 16 elements.
  it.for([
    ["tile_dropout_f32", "stream/tile/tileOrUntied", 1 / 4, 0],
    ["tile_dropoutbits_f64", "stream/tile/tile", 1 / 2, 1 / 16],
  ] as const)("counts %s", ([kernel, loop, vectors, notes], context) => {
    needCounts(context);
    const { status, stdout, stderr } = run(["--filter", kernel, "--markdown"]);
    expect([status, stderr]).toEqual([0, ""]);
    const [head, , ...rows] = stdout
      .split("\n")
      .filter((line) => line.startsWith("|"))
      .map((line) => line.slice(2, -2).split(" | "));
    const cells = rows.filter((row) => row[0] === kernel).find((row) => row.at(-1) === loop) ?? [];
    const figure = (name: string) => Number.parseFloat(cells[head?.indexOf(name) ?? -1] ?? "");
    const elements = figure("a pass");
    expect(elements % 16).toBe(0);
    expect(elements).toBeGreaterThan(0);
    expect(CLASSES.reduce((sum, name) => sum + figure(name), 0)).toBe(figure("instructions"));
    expect(figure("load")).toBeGreaterThanOrEqual(elements * vectors);
    expect(figure("store")).toBeGreaterThanOrEqual(elements * (vectors + notes));
    expect(figure("shuffle")).toBeGreaterThanOrEqual(elements / 4);
    expect(rows.map((row) => row.at(-1))).toContain("stream/generator/philox8");
  });

  it("finds the hot loops of all modules", (context) => {
    needCounts(context);
    const { status, stdout, stderr } = run(["--module", "all"]);
    expect([status, stderr]).toEqual([0, ""]);
    for (const kernel of ["bits_apply_f64", "bytes_siluGradient_f32", "matrix_scale_f64", "tile_dropoutbits_bf16"])
      expect(stdout).toContain(kernel);
  });

  it("says that objdump is missing", (context) => {
    if (process.arch !== "x64") return context.skip("only x86-64 is counted");
    const { status, stderr } = run(["--filter", "popcount"], { ...process.env, PATH: "" });
    expect([status, stderr]).toEqual([2, "objdump of binutils is not installed\n"]);
  });

  it.each([
    [["--module", "nosuch"], "--module expected core, shapes"],
    [["--nosuchflag"], "nosuchflag"],
  ])("refuses %j", (args, message) => {
    const { status, stderr } = run(args);
    expect(status).toBe(2);
    expect(stderr).toContain(message);
  });
});

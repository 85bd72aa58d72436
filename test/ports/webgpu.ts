// Answers the questions of ports.test.ts with the port in WGSL, on the GPU that a page sees.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type StreamKind, threshold } from "../../docs/reference.js";
import { openChromium } from "../support/browsers/chromium.js";
import { serve } from "../support/static-server.js";

// The entry point of the port, and one of this file's that calls its functions.
const SHADER = `${readFileSync(new URL("../../docs/ports/keep-streams.wgsl", import.meta.url), "utf8")}

struct Given {
  words: array<vec4u, 3>,
}
@group(0) @binding(2) var<uniform> given: Given;

@compute @workgroup_size(1)
fn test_philox() {
  let words = philox(given.words[0], given.words[1].xy, given.words[2].x);
  for (var k = 0u; k < 4u; k++) {
    atomicStore(&mask[k], words[k]);
  }
}

@compute @workgroup_size(1)
fn test_xoshiro() {
  let s = given.words[0];
  var lanes = Lanes(s.xxxx, s.yyyy, s.zzzz, s.wwww);
  for (var k = 0u; k < given.words[2].x; k++) {
    atomicStore(&mask[2u * k], plus_plus(lanes)[k & 3u]);
    atomicStore(&mask[2u * k + 1u], star_star(lanes)[(k + 1u) & 3u]);
    lanes = advance(lanes);
  }
}
`;

/** One dispatch: the words of the uniform at a binding, and how many words are read back. */
interface Dispatch {
  readonly entry: string;
  readonly binding: 0 | 2;
  readonly given: readonly number[];
  readonly workgroups: number;
  readonly words: number;
}

const split = (x: bigint): [number, number] => [Number(x & 0xffffffffn), Number(x >> 32n)];

function maskDispatch([kind, seed, stream, p, start, count]: readonly string[]): Dispatch {
  const [first, n] = [Number(start), Number(count)];
  const words = Math.ceil(n / 32);
  const threads = kind === "philox" ? words : Math.floor((first + n - 1) / 4096) - Math.floor(first / 4096) + 1;
  const given = [BigInt(seed as string), BigInt(stream as string), BigInt(first), threshold(kind as StreamKind, Number(p))];
  return { entry: `${kind}_mask`, binding: 0, given: [...given.flatMap(split), n, 0, 0, 0], workgroups: Math.ceil(threads / 64), words };
}

function dispatchOf(line: string): Dispatch {
  const [question, ...rest] = line.split(" ");
  if (question === "mask") return maskDispatch(rest);
  if (question === "philox") {
    const [rounds, ...words] = rest;
    const given = [...words.map((word) => Number.parseInt(word, 16)), 0, 0, Number(rounds), 0, 0, 0];
    return { entry: "test_philox", binding: 2, given, workgroups: 1, words: 4 };
  }
  const [steps, ...state] = rest.map(Number).toReversed() as [number, ...number[]];
  return { entry: "test_xoshiro", binding: 2, given: [...state.toReversed(), 0, 0, 0, 0, steps, 0, 0, 0], workgroups: 1, words: 2 * steps };
}

/** The answer as all ports write it: bytes of a mask, or words. */
function format(line: string, words: readonly number[]): string {
  if (!line.startsWith("mask")) return words.map((word) => word.toString(16).padStart(8, "0")).join(" ");
  const bytes = Math.ceil(Number(line.split(" ").at(-1)) / 8);
  return Buffer.from(Uint32Array.from(words).buffer).subarray(0, bytes).toString("hex");
}

/** Part of the error where Chromium has no device to compute on. */
export const NO_ADAPTER = "no adapter for WebGPU";

// Runs in the page.
const RUN = `
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) throw new Error("${NO_ADAPTER}");
  const device = await adapter.requestDevice();
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code: shader });
  const answers = [];
  for (const { entry, binding, given, workgroups, words } of dispatches) {
    const uniform = device.createBuffer({ size: 4 * given.length, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    device.queue.writeBuffer(uniform, 0, Uint32Array.from(given));
    const mask = device.createBuffer({ size: 4 * words, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC });
    const result = device.createBuffer({ size: 4 * words, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module, entryPoint: entry } });
    const entries = [{ binding, resource: { buffer: uniform } }, { binding: 1, resource: { buffer: mask } }];
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(workgroups);
    pass.end();
    encoder.copyBufferToBuffer(mask, 0, result, 0, 4 * words);
    device.queue.submit([encoder.finish()]);
    await result.mapAsync(GPUMapMode.READ);
    answers.push(Array.from(new Uint32Array(result.getMappedRange())));
    for (const buffer of [uniform, mask, result]) buffer.destroy();
  }
  const error = await device.popErrorScope();
  if (error) throw new Error(error.message);
  return answers;`;

/** Answers to the lines; throws MissingBrowser where there is no Chromium. */
export async function askWebGpu(lines: readonly string[]): Promise<string[]> {
  const browser = await openChromium("--enable-unsafe-webgpu");
  const directory = mkdtempSync(join(tmpdir(), "webgpu-"));
  try {
    // navigator.gpu exists in secure contexts only, which pages of this machine are.
    writeFileSync(join(directory, "index.html"), "<!doctype html><title>WebGPU</title>");
    const server = await serve(directory);
    try {
      const page = await browser.newPage();
      await page.goto(server.url);
      const dispatches = lines.map(dispatchOf);
      const answers = await page.evaluate<number[][]>(
        `const shader = ${JSON.stringify(SHADER)}; const dispatches = ${JSON.stringify(dispatches)};${RUN}`,
      );
      return answers.map((words, k) => format(lines[k] as string, words));
    } finally {
      await server.close();
    }
  } finally {
    rmSync(directory, { recursive: true });
    await browser.close();
  }
}

// Reads a request and checks every part of it.

import type { Passes } from "./montecarlo.js";

/** The most bytes of a body: an image as JSON with room to spare. */
export const MOST_BYTES = 32 * 1024;
/** The number of bytes after which the Worker stops to read a body that is too long. */
const MOST_READ = 32 * MOST_BYTES;
/** The time in which a body has to come. */
export const READ_MS = 10_000;
/** The number of values of an image. */
export const PIXELS = 784;
const SEED = "string of decimal digits below 2^64, or non-negative safe integer";

/** A request that cannot be served, and the status that says so. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

/** An image, values in [0, 1], and how to look at it; what is left out has its default. */
export interface Question extends Partial<Passes> {
  readonly image: Float32Array;
}

/** Reads a request for a prediction of at most so many passes; throws Refusal. */
export async function readQuestion(request: Request, mostPasses: number): Promise<Question> {
  const type = request.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase();
  if (type === "application/octet-stream") {
    const { searchParams } = new URL(request.url);
    const bytes = await readBody(request);
    if (bytes.length !== PIXELS) throw new Refusal(400, `"body" expected ${PIXELS} bytes, got ${bytes.length}`);
    const [p, passes, seed] = ["p", "passes", "seed"].map((name) => searchParams.get(name) ?? undefined);
    return { image: imageOf(bytes), ...checkPasses(mostPasses, toNumber(p), toNumber(passes), seed) };
  }
  if (type !== "application/json") {
    throw new Refusal(415, `"content-type" expected application/json or application/octet-stream, got ${describe(type)}`);
  }
  const { image, p, passes, seed } = parseObject(new TextDecoder().decode(await readBody(request)));
  if (!Array.isArray(image)) throw new Refusal(400, `"image" expected array of ${PIXELS} numbers, got ${describe(image)}`);
  if (image.length !== PIXELS) throw new Refusal(400, `"image" expected array of ${PIXELS} numbers, got ${image.length}`);
  image.forEach((value, i) => {
    if (typeof value === "number" && value >= 0 && value <= 255) return;
    throw new Refusal(400, `"image[${i}]" expected number in [0, 255], got ${describe(value)}`);
  });
  return { image: imageOf(image), ...checkPasses(mostPasses, p, passes, seed) };
}

function imageOf(greys: ArrayLike<number>): Float32Array {
  return Float32Array.from(greys, (grey) => grey / 255);
}

/** Returns those of the three that are given, checked. */
function checkPasses(most: number, p: unknown, passes: unknown, seed: unknown): Partial<Passes> {
  if (p !== undefined && !(typeof p === "number" && p >= 0 && p <= 1)) {
    throw new Refusal(400, `"p" expected number in [0, 1], got ${describe(p)}`);
  }
  if (passes !== undefined && !(typeof passes === "number" && Number.isInteger(passes) && passes >= 1 && passes <= most)) {
    throw new Refusal(400, `"passes" expected integer in [1, ${most}], got ${describe(passes)}`);
  }
  return { ...(p !== undefined && { p }), ...(passes !== undefined && { passes }), ...(seed !== undefined && { seed: toSeed(seed) }) };
}

function toSeed(seed: unknown): bigint {
  const digits = typeof seed === "number" && Number.isSafeInteger(seed) ? `${seed}` : seed;
  if (typeof digits === "string" && /^\d{1,20}$/.test(digits) && BigInt(digits) < 2n ** 64n) return BigInt(digits);
  throw new Refusal(400, `"seed" expected ${SEED}, got ${describe(seed)}`);
}

/** The number that a text is by JSON's grammar, or the text. */
function toNumber(text: string | undefined): unknown {
  return text !== undefined && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : text;
}

function parseObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Refusal(400, `"body" expected JSON, got ${describe(text)}`);
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new Refusal(400, `"body" expected JSON object, got ${describe(value)}`);
}

/**
 * The body, of at most MOST_BYTES, whatever its header says: no more is kept. What is over is read for a while, as one who is still sending
 * would find the connection broken before the answer.
 */
async function readBody(request: Request): Promise<Uint8Array> {
  const refuse = (bytes: string) => {
    throw new Refusal(413, `"body" expected at most ${MOST_BYTES} bytes, got ${bytes}`);
  };
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > MOST_BYTES) refuse(`${announced}`);
  const body = new Uint8Array(MOST_BYTES);
  let length = 0;
  const reader = request.body?.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Refusal(408, `"body" expected within ${READ_MS / 1000} seconds, got ${length} bytes`)), READ_MS);
  });
  try {
    for (;;) {
      const chunk = await Promise.race([reader?.read(), late]);
      if (chunk === undefined || chunk.done) break;
      if (length + chunk.value.length <= MOST_BYTES) body.set(chunk.value, length);
      length += chunk.value.length;
      if (length > MOST_READ) refuse("more");
    }
  } catch (error) {
    // Not waited for: a body that does not come does not say that it is cancelled.
    reader?.cancel().catch(() => {});
    throw error;
  } finally {
    clearTimeout(timer);
  }
  if (length > MOST_BYTES) refuse(`${length}`);
  return body.subarray(0, length);
}

function describe(value: unknown): string {
  // JSON has no infinity.
  const text = typeof value === "number" ? `${value}` : (JSON.stringify(value) ?? "nothing");
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

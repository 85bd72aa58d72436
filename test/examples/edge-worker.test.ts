// The Worker of examples/edge-worker, started on workerd by the command that its README names, and asked over HTTP.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDropout } from "wasm-dropout";
import { createOnnxMonteCarlo } from "wasm-dropout/onnx";
import { mnistDirectory, readImages, readLabels } from "../../examples/mnist/idx.mjs";
import { HANG_MS } from "../support/limits.js";
import { Numbers } from "../support/onnx/build.js";
import { mlp, transformer } from "../support/onnx/networks.js";
import { load, passesOf, SEED } from "../support/onnx/runtimes.js";

interface Served {
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

type Counts = Readonly<Record<"reading" | "computing" | "waiting" | "answered" | "refused" | "gone", number>>;

interface Answer {
  readonly digit: number;
  readonly probabilities: readonly { readonly digit: number; readonly mean: number; readonly std: number }[];
  readonly predictiveEntropy: number;
  readonly mutualInformation: number;
  readonly p: number;
  readonly passes: number;
  readonly seed: string;
}

const PIXELS = 784;
const DIGITS = 300;
const root = fileURLToPath(new URL("../..", import.meta.url));
const example = join(root, "examples/edge-worker");
const { pixels } = readImages(join(mnistDirectory(), "t10k-images-idx3-ubyte"));
const labels = readLabels(join(mnistDirectory(), "t10k-labels-idx1-ubyte"));
const image = (index: number) => pixels.slice(index * PIXELS, (index + 1) * PIXELS);

let server: ChildProcess;
let url: string;

beforeAll(async () => {
  server = spawn("npm", ["start", "--prefix", "examples/edge-worker", "--", "--port", "0"], {
    cwd: root,
    detached: true,
    // Nothing is to be looked up on the network.
    env: { ...process.env, CI: "true", CLOUDFLARE_CF_FETCH_ENABLED: "false" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  url = await new Promise<string>((resolve, reject) => {
    let output = "";
    const listen = (chunk: Buffer) => {
      output += chunk;
      const [, address] = output.match(/Ready on (http:\S+)/) ?? [];
      if (address !== undefined) resolve(address);
    };
    server.stdout?.on("data", listen);
    server.stderr?.on("data", listen);
    server.on("exit", (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
    setTimeout(() => reject(new Error(`npm start did not get ready:\n${output}`)), HANG_MS).unref();
  });
});

// The whole group: npm, wrangler, workerd; with time to clear away what they have written.
afterAll(async () => {
  if (server?.pid === undefined || server.exitCode !== null) return;
  const ended = once(server, "exit");
  process.kill(-server.pid, "SIGTERM");
  const timer = setTimeout(() => process.kill(-(server.pid as number), "SIGKILL"), HANG_MS);
  await ended;
  clearTimeout(timer);
});

const postBytes = (bytes: Uint8Array<ArrayBuffer>, query: Record<string, string> = {}) =>
  fetch(`${url}/predict?${new URLSearchParams(query)}`, {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body: bytes,
  });
const postJson = (body: unknown) =>
  fetch(`${url}/predict`, {
    method: "POST",
    headers: { "content-type": "application/json; charset=utf-8" },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

async function ask(bytes: Uint8Array<ArrayBuffer>, query: Record<string, string>): Promise<Answer> {
  const response = await postBytes(bytes, query);
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  return (await response.json()) as Answer;
}

/** The answers for many images, a few requests at a time, each with a seed of its own. */
async function askAll(images: readonly Uint8Array<ArrayBuffer>[]): Promise<Answer[]> {
  const answers: Answer[] = [];
  const concurrent = 10;
  for (let first = 0; first < images.length; first += concurrent) {
    const some = images.slice(first, first + concurrent);
    answers.push(...(await Promise.all(some.map((one, k) => ask(one, { seed: `${first + k}` })))));
  }
  return answers;
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

describe("predictions", () => {
  let digits: Answer[];
  beforeAll(async () => {
    digits = await askAll(Array.from({ length: DIGITS }, (_, index) => image(index)));
  });

  it("are right for 95% of genuine test digits", () => {
    const right = digits.filter(({ digit }, index) => digit === labels[index]).length;
    expect(right / DIGITS).toBeGreaterThanOrEqual(0.95);
  });

  it("are distributions with the uncertainty that belongs to them", () => {
    for (const { digit, probabilities, predictiveEntropy, mutualInformation, p, passes } of digits) {
      expect([p, passes]).toEqual([0.25, 50]);
      expect(probabilities.map((one) => one.digit)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      const means = probabilities.map(({ mean }) => mean);
      expect(means.reduce((sum, mean) => sum + mean, 0)).toBeCloseTo(1, 5);
      expect(means[digit]).toBe(Math.max(...means));
      expect(predictiveEntropy).toBeCloseTo(-means.reduce((sum, mean) => sum + (mean > 0 ? mean * Math.log(mean) : 0), 0), 9);
      expect(mutualInformation).toBeGreaterThanOrEqual(0);
      expect(mutualInformation).toBeLessThanOrEqual(predictiveEntropy);
      // No variable in [0, 1] varies more than this around its mean (Bhatia and Davis 2000).
      for (const { mean, std } of probabilities) expect(std).toBeLessThanOrEqual(Math.sqrt(mean * (1 - mean)) + 1e-6);
    }
  });

  it("are less certain of noise than of digits", async () => {
    // A linear congruential generator (Numerical Recipes, chapter 7.1) is noise enough.
    let state = 1;
    const next = () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    };
    const count = 60;
    const uniform = Array.from({ length: count }, () => Uint8Array.from({ length: PIXELS }, () => 256 * next()));
    const order = Array.from({ length: PIXELS }, (_, i) => ({ i, key: next() })).sort((a, b) => a.key - b.key);
    const permuted = Array.from({ length: count }, (_, index) => Uint8Array.from(order, ({ i }) => image(index)[i] as number));
    for (const noise of [uniform, permuted]) {
      const answers = await askAll(noise);
      for (const measure of ["predictiveEntropy", "mutualInformation"] as const) {
        expect(median(answers.map((one) => one[measure]))).toBeGreaterThan(3 * median(digits.map((one) => one[measure])));
      }
    }
  });

  it("are the same for the same seed, whatever else is asked at the same time, and others for another", async () => {
    const texts = (seeds: readonly number[]) =>
      Promise.all(seeds.map(async (seed) => (await postBytes(image(7), { seed: `${seed}`, passes: "20" })).text()));
    const seeds = Array.from({ length: 16 }, (_, k) => k);
    const together = await texts([...seeds, ...seeds]);
    expect(together.slice(16)).toEqual(together.slice(0, 16));
    for (const seed of seeds) expect(await texts([seed])).toEqual([together[seed]]);
    expect(new Set(together).size).toBe(16);
  });

  it("draw a seed if none is given, and tell it", async () => {
    const [first, second] = await Promise.all([ask(image(3), {}), ask(image(3), {})]);
    expect(first.seed).not.toBe(second.seed);
    expect(await ask(image(3), { seed: first.seed })).toEqual(first);
  });

  it("are the same from bytes and from JSON", async () => {
    const seed = `${2n ** 64n - 1n}`;
    const fromBytes = await (await postBytes(image(5), { p: "0.3", passes: "7", seed })).text();
    expect(await (await postJson({ image: [...image(5)], p: 0.3, passes: 7, seed })).text()).toBe(fromBytes);
  });

  it("do not vary at p = 0, nor at p = 1, where nothing of the image is left", async () => {
    for (const p of ["0", "1"]) {
      const { probabilities, mutualInformation } = await ask(image(0), { p, passes: "5" });
      expect(probabilities.map(({ std }) => std)).toEqual(Array(10).fill(0));
      expect(mutualInformation).toBeLessThan(1e-12);
    }
    const [seven, two] = await Promise.all([ask(image(0), { p: "1", seed: "1" }), ask(image(1), { p: "1", seed: "1" })]);
    expect(seven).toEqual(two);
  });

  it("are the same in Node, to the bit", async () => {
    const { Subnetworks } = await import(join(example, "montecarlo.ts"));
    const { decodeModel } = await import(join(example, "model.ts"));
    const file = readFileSync(join(example, "model.bin"));
    const network = await Subnetworks.load(decodeModel(file.buffer.slice(file.byteOffset, file.byteOffset + file.length)));
    for (const [index, p, passes, seed] of [
      [0, 0.25, 50, "1"],
      [8, 0.5, 200, "18446744073709551615"],
    ] as const) {
      const answer = await ask(image(index), { p: `${p}`, passes: `${passes}`, seed });
      const image01 = Float32Array.from(image(index), (grey) => grey / 255);
      expect({ ...(await network.predict(image01, { p, passes, seed: BigInt(seed) })), p, passes, seed }).toEqual(answer);
    }
  });

  it("agree with the ONNX file in plain JavaScript, by the specification of the streams", async () => {
    const seed = `${SEED}`;
    const { probabilities, predictiveEntropy, mutualInformation } = await ask(image(11), { p: "0.25", passes: "4", seed });
    const inputs = { image: { dims: [1, PIXELS], data: Array.from(image(11), (grey) => Math.fround(grey / 255)) } };
    const rates = { hidden1: 0.25, hidden2: 0.25 };
    const passes = passesOf({ bytes: readFileSync(join(example, "model.onnx")), inputs, output: "logits", rates }, 4).map(softmax);
    const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const entropy = (values: readonly number[]) => -values.reduce((sum, value) => sum + value * Math.log(value), 0);
    const means = probabilities.map((_, c) => mean(passes.map((pass) => pass[c] as number)));
    probabilities.forEach((got, c) => {
      const values = passes.map((pass) => pass[c] as number);
      expect(got.mean).toBeCloseTo(means[c] as number, 6);
      expect(got.std).toBeCloseTo(Math.sqrt(mean(values.map((value) => (value - (means[c] as number)) ** 2))), 6);
    });
    expect(predictiveEntropy).toBeCloseTo(entropy(means), 6);
    expect(mutualInformation).toBeCloseTo(entropy(means) - mean(passes.map(entropy)), 6);
  });

  it("are those of ONNX Runtime for the file that the network was prepared from", async () => {
    const ort = load("onnxruntime-web");
    const onnx = await createOnnxMonteCarlo(await createDropout({ seed: 5 }), { ort, model: readFileSync(join(example, "model.onnx")) });
    const pixels = Float32Array.from([...image(3), ...image(18)], (grey) => grey / 255);
    const options = { passes: 30, seed: 99, classes: 10, output: "logits" } as const;
    // Masks "perPass" are those of an example alone.
    const prediction = await onnx.predict(new ort.Tensor("float32", pixels, [2, PIXELS]), { ...options, masks: "perPass" });
    await onnx.release();
    for (const [row, index] of [3, 18].entries()) {
      const answer = await ask(image(index), { passes: "30", seed: "99" });
      answer.probabilities.forEach(({ mean, std }, c) => {
        expect(mean).toBeCloseTo(prediction.mean[10 * row + c] as number, 5);
        expect(std ** 2).toBeCloseTo(prediction.populationVariance[10 * row + c] as number, 5);
      });
      expect(answer.mutualInformation).toBeCloseTo(prediction.mutualInformation[row] as number, 5);
    }
  });
});

function softmax({ data }: { data: readonly number[] }): number[] {
  const powers = data.map((value) => Math.exp(value - Math.max(...data)));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

describe("preparing a model", () => {
  it("gives the small form of any chain of layers: an input that is dropped, transposed weights in f32", async () => {
    const { toSmallForm } = await import(join(example, "small.ts"));
    const { decodeModel, encodeModel } = await import(join(example, "model.ts"));
    const { Subnetworks } = await import(join(example, "montecarlo.ts"));
    const { bytes, rates } = mlp(24);
    const stored = toSmallForm(bytes);
    const kinds = (steps: readonly { op: string; name?: string }[]) => steps.map(({ op, name }) => name ?? op);
    expect([kinds(stored.before), kinds(stored.after)]).toEqual([
      [],
      ["input", "dense", "relu", "hidden1", "dense", "relu", "hidden2", "dense"],
    ]);
    const network = await Subnetworks.load(decodeModel(encodeModel(stored).buffer));
    const data = new Numbers(3).take(PIXELS);
    const { probabilities } = await network.predict(data, { passes: 6, seed: SEED });
    const passes = passesOf({ bytes, inputs: { x: { dims: [1, PIXELS], data: [...data] } }, output: "logits", rates }, 6).map(softmax);
    // Weights have been rounded to eight bits.
    for (const { digit, mean } of probabilities) {
      expect(mean).toBeCloseTo(passes.reduce((sum, pass) => sum + (pass[digit] as number), 0) / 6, 1);
    }
  });

  it("refuses by name what the Worker cannot run", async () => {
    const { toSmallForm } = await import(join(example, "small.ts"));
    expect(() => toSmallForm(transformer().bytes)).toThrow(/"model" expected (one chain of layers|Gemm, MatMul and Add)/);
    expect(() => toSmallForm(new Uint8Array(9))).toThrow(/"model" expected/);
    const { decodeModel } = await import(join(example, "model.ts"));
    expect(() => decodeModel(new ArrayBuffer(8))).toThrow('"buffer" expected a network in its small form, got something else');
  });
});

describe("refusals", () => {
  const good = Array(PIXELS).fill(0);
  const bodies: [title: string, body: unknown, status: number, message: string][] = [
    ["no JSON", "{", 400, '"body" expected JSON, got "{"'],
    ["nothing", "", 400, '"body" expected JSON, got ""'],
    ["no object", [1], 400, '"body" expected JSON object, got [1]'],
    ["null", null, 400, '"body" expected JSON object, got null'],
    ["no image", {}, 400, '"image" expected array of 784 numbers, got nothing'],
    ["an image of text", { image: "x" }, 400, '"image" expected array of 784 numbers, got "x"'],
    ["a pixel short", { image: good.slice(1) }, 400, '"image" expected array of 784 numbers, got 783'],
    ["a pixel of text", { image: ["0", ...good.slice(1)] }, 400, '"image[0]" expected number in [0, 255], got "0"'],
    ["a pixel of nothing", { image: [...good.slice(1), null] }, 400, '"image[783]" expected number in [0, 255], got null'],
    ["a pixel too bright", { image: [...good.slice(1), 255.5] }, 400, '"image[783]" expected number in [0, 255], got 255.5'],
    ["a pixel too dark", { image: [...good.slice(1), -1] }, 400, '"image[783]" expected number in [0, 255], got -1'],
    ["p above 1", { image: good, p: 1.5 }, 400, '"p" expected number in [0, 1], got 1.5'],
    ["p below 0", { image: good, p: -0.1 }, 400, '"p" expected number in [0, 1], got -0.1'],
    ["p of text", { image: good, p: "0.5" }, 400, '"p" expected number in [0, 1], got "0.5"'],
    ["p null", { image: good, p: null }, 400, '"p" expected number in [0, 1], got null'],
    ["no passes", { image: good, passes: 0 }, 400, '"passes" expected integer in [1, 1000], got 0'],
    ["too many passes", { image: good, passes: 1001 }, 400, '"passes" expected integer in [1, 1000], got 1001'],
    ["half a pass", { image: good, passes: 1.5 }, 400, '"passes" expected integer in [1, 1000], got 1.5'],
    [
      "a negative seed",
      { image: good, seed: -1 },
      400,
      '"seed" expected string of decimal digits below 2^64, or non-negative safe integer, got -1',
    ],
    [
      "a seed of 65 bits",
      { image: good, seed: "18446744073709551616" },
      400,
      '"seed" expected string of decimal digits below 2^64, or non-negative safe integer, got "18446744073709551616"',
    ],
    ["a body too long", { image: good, more: "x".repeat(40_000) }, 413, '"body" expected at most 32768 bytes, got 41'],
  ];

  async function expectRefusal(response: Response, status: number, message: string): Promise<void> {
    expect(response.headers.get("content-type")).toBe("application/json");
    const body = (await response.json()) as { error: string };
    expect([response.status, Object.keys(body)]).toEqual([status, ["error"]]);
    expect(body.error).toContain(message);
  }

  it.each(bodies)("JSON: %s", async (_, body, status, message) => expectRefusal(await postJson(body), status, message));

  it.each([
    [783, {}, '"body" expected 784 bytes, got 783'],
    [785, {}, '"body" expected 784 bytes, got 785'],
    [0, {}, '"body" expected 784 bytes, got 0'],
    [784, { p: "" }, '"p" expected number in [0, 1], got ""'],
    [784, { p: "half" }, '"p" expected number in [0, 1], got "half"'],
    [784, { p: "NaN" }, '"p" expected number in [0, 1], got "NaN"'],
    [784, { passes: "1e9" }, '"passes" expected integer in [1, 1000], got 1000000000'],
    [784, { p: "0x1" }, '"p" expected number in [0, 1], got "0x1"'],
    [784, { p: "1e999" }, '"p" expected number in [0, 1], got Infinity'],
    [784, { seed: "0x10" }, '"seed" expected string of decimal digits below 2^64, or non-negative safe integer, got "0x10"'],
  ])("%i bytes, %j", async (length, query, message) => {
    await expectRefusal(await postBytes(new Uint8Array(length), query as Record<string, string>), 400, message);
  });

  it("a body too long whose length is not told beforehand", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= 2 ** 18) return controller.close();
        sent += 2 ** 14;
        controller.enqueue(new Uint8Array(2 ** 14));
      },
    });
    const headers = { "content-type": "application/octet-stream" };
    const response = await fetch(`${url}/predict`, { method: "POST", headers, body, duplex: "half" } as RequestInit);
    await expectRefusal(response, 413, '"body" expected at most 32768 bytes, got 262144');
  });

  it("other types, paths and methods", async () => {
    const typed = (type: string) => fetch(`${url}/predict`, { method: "POST", headers: { "content-type": type }, body: "x" });
    await expectRefusal(
      await typed("text/plain"),
      415,
      '"content-type" expected application/json or application/octet-stream, got "text/plain"',
    );
    await expectRefusal(await fetch(`${url}/nowhere`), 404, '"path" expected /, /load or /predict, got /nowhere');
    const wrong = await fetch(`${url}/predict`);
    expect(wrong.headers.get("allow")).toBe("POST");
    await expectRefusal(wrong, 405, '"method" expected POST, got GET');
    await expectRefusal(await fetch(`${url}/`, { method: "DELETE" }), 405, '"method" expected GET or HEAD, got DELETE');
    const head = await fetch(`${url}/`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it("leave the Worker as it was", async () => {
    const help = await fetch(`${url}/`);
    expect([help.status, await help.text()]).toEqual([200, expect.stringContaining("POST /predict")]);
    expect((await ask(image(0), { seed: "1" })).digit).toBe(labels[0]);
  });
});

/** A promise that is resolved from outside. */
function gate(): { opened: Promise<void>; open(): void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe("on workerd itself, many clients at once", () => {
  let served: Served;
  beforeAll(async () => {
    // After the other one: both prepare the model.
    const { serve } = await import(join(example, "serve.ts"));
    served = await serve();
  });
  afterAll(() => served?.stop());

  const post = (query: string, k = 0) =>
    fetch(`${served.url}/predict?${query}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: image(k),
    });
  const counts = async () => (await (await fetch(`${served.url}/load`)).json()) as Counts;
  /** Returns the counts once they are as wanted: the Worker goes on between the questions. */
  async function until(wanted: (counts: Counts) => boolean): Promise<Counts> {
    for (;;) {
      const now = await counts();
      if (wanted(now)) return now;
    }
  }
  /** Asks by a connection of its own. */
  function connected(path: string, body: Uint8Array, length = body.length): Socket {
    const socket = connect(served.port, "127.0.0.1");
    socket.on("error", () => {});
    const type = "Content-Type: application/octet-stream";
    socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: ${length}\r\n\r\n`);
    socket.write(body);
    return socket;
  }

  const CLIENTS = 260;
  const endedOf = ({ answered, refused, gone }: Counts) => answered + refused + gone;

  it("do not starve one that asks for little", async () => {
    const ended: string[] = [];
    const large = Array.from({ length: 50 }, async (_, k) => {
      const answer = (await (await post(`passes=1000&seed=${k}`, k)).json()) as Answer;
      ended.push("large");
      return answer;
    });
    // The Worker has begun on the first of them once it has answered one.
    await Promise.race(large);
    const small = post("passes=1&seed=0").then(async (response) => {
      await response.json();
      ended.push("small");
    });
    const answers = await Promise.all(large);
    await small;
    expect(answers.map(({ passes }) => passes)).toEqual(new Array(50).fill(1000));
    // Before most of those that had come earlier, by order and not by time.
    expect(ended.indexOf("small")).toBeLessThan(25);
    expect(answers[7]).toEqual(await (await post("passes=1000&seed=7", 7)).json());
  });

  it("are refused beyond a number, and give their places back when they hang up", async () => {
    const before = await counts();
    const sockets = Array.from({ length: CLIENTS }, (_, k) => connected(`/predict?passes=1000&seed=${k}`, image(k)));
    // All have come: some of them were refused.
    const full = await until((now) => now.reading === 0 && now.computing + now.waiting + endedOf(now) - endedOf(before) === CLIENTS);
    expect(full.refused).toBeGreaterThan(before.refused);
    expect(full.waiting + full.computing).toBeLessThanOrEqual(200);
    for (const socket of sockets) socket.resetAndDestroy();
    const after = await until(({ reading, computing, waiting }) => reading + computing + waiting === 0);
    // Nobody waited for the answers: those in the queue were given up.
    expect(after.gone).toBeGreaterThan(100);
    expect(endedOf(after) - endedOf(before)).toBe(CLIENTS);
    const response = await post("passes=1000&seed=1");
    expect([response.status, ((await response.json()) as Answer).passes]).toEqual([200, 1000]);
  });

  it("that ask for little are refused as well where none can be answered, with a status and a time", async () => {
    const { Desk } = await import(join(example, "desk.ts"));
    const desk = new Desk({ atOnce: 10, small: 1, inFlight: 2, reading: 1 });
    const { signal } = new AbortController();
    const [first, second] = [gate(), new AbortController()];
    const running = desk.serve(100, signal, () => first.opened);
    const waiting = desk.serve(10, second.signal, async () => {});
    await expect(desk.serve(1, signal, async () => {})).rejects.toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    second.abort(new Error("gone"));
    await expect(waiting).rejects.toThrow("gone");
    expect(desk.counts).toMatchObject({ computing: 1, waiting: 0, refused: 1, gone: 1 });
    first.open();
    await running;
    const body = gate();
    const reading = desk.read(signal, () => body.opened);
    await expect(desk.read(signal, async () => {})).rejects.toMatchObject({ status: 503 });
    body.open();
    await reading;
    expect(desk.counts).toMatchObject({ reading: 0, computing: 0, waiting: 0, answered: 1, refused: 2 });
  });

  it("that never send the whole body are told so, and cost the others nothing", async () => {
    const slow = Array.from({ length: 20 }, () => connected("/predict", image(0).subarray(0, 10), PIXELS));
    const answered = slow.map(async (socket) => {
      let told = "";
      // Head and body may come one after the other.
      while (!told.includes("}")) told += (await once(socket, "data"))[0];
      return told;
    });
    await until(({ reading }) => reading === 20);
    const statuses = await Promise.all(Array.from({ length: 50 }, async (_, k) => (await post(`passes=20&seed=${k}`, k)).status));
    expect(new Set(statuses)).toEqual(new Set([200]));
    for (const told of await Promise.all(answered)) {
      expect(told).toContain("408 Request Timeout");
      expect(told).toContain(JSON.stringify({ error: '"body" expected within 10 seconds, got 10 bytes' }));
    }
    expect((await counts()).reading).toBe(0);
    for (const socket of slow) socket.destroy();
  });

  it("that send too much, or hang up while they send, leave it as it was", async () => {
    const gone = Array.from({ length: 20 }, () => connected("/predict", image(0).subarray(0, 10), PIXELS));
    await until(({ reading }) => reading === 20);
    for (const socket of gone) socket.resetAndDestroy();
    const large = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const headers = { "content-type": "application/octet-stream" };
        const response = await fetch(`${served.url}/predict`, { method: "POST", headers, body: new Uint8Array(2 ** 16) });
        await response.arrayBuffer();
        return response.status;
      }),
    );
    expect(large).toEqual(new Array(10).fill(413));
    await until(({ reading }) => reading === 0);
    expect((await post("passes=5&seed=1")).status).toBe(200);
  });
});

describe("the model", () => {
  it("is the one that its card describes", () => {
    const card = JSON.parse(readFileSync(join(example, "model.json"), "utf8"));
    const bytes = readFileSync(join(example, "model.onnx"));
    expect([bytes.length, createHash("sha256").update(bytes).digest("hex")]).toEqual([card.bytes, card.sha256]);
    expect(card.images).toBe(60_000);
    expect(card.accuracy.stored).toBeGreaterThanOrEqual(0.975);
    expect(card.accuracy.trained - card.accuracy.stored).toBeLessThan(0.002);
  });

  it("comes out the same when it is trained again", async () => {
    const directory = mkdtempSync(join(tmpdir(), "edge-worker-"));
    try {
      const train = async (out: string, seed: string) => {
        const options = ["--images", "1000", "--epochs", "1", "--seed", seed, "--out", join(directory, out)];
        await promisify(execFile)("npm", ["run", "train", "--prefix", "examples/edge-worker", "--", ...options], { cwd: root });
        return readFileSync(join(directory, out, "model.onnx"));
      };
      const [first, second, third] = await Promise.all([train("first", "5"), train("second", "5"), train("third", "6")]);
      expect(first.equals(second)).toBe(true);
      expect(first.equals(third)).toBe(false);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

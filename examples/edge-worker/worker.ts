// A Worker that says what digit an image shows, and how sure it is: Monte-Carlo dropout at the edge.

import { Desk } from "./desk.js";
import weights from "./model.bin";
import { decodeModel } from "./model.js";
import { Subnetworks } from "./montecarlo.js";
import { PIXELS, Refusal, readQuestion } from "./request.js";

const PASSES = 50;
/** The most passes of one request, and its most multiplications: some 50 ms of processor time. */
const MOST_PASSES = 1000;
const MOST_WORK = 4e7;

const desk = new Desk({ atOnce: 5 * MOST_WORK, small: MOST_WORK / 20, inFlight: 200, reading: 500 });

// One for all requests of an isolate, each of which brings a seed of its own.
let loaded: Subnetworks | undefined;

/** Loads the network at the first request: what is computed before counts against the time to start. */
async function load(): Promise<Subnetworks> {
  if (loaded === undefined) {
    const network = decodeModel(weights);
    if (network.inputs !== PIXELS) throw new RangeError(`"model.bin" expected a network of ${PIXELS} inputs, got ${network.inputs}`);
    loaded = await Subnetworks.load(network);
  }
  return loaded;
}

const mostPasses = ({ work }: Subnetworks) => Math.max(1, Math.min(MOST_PASSES, Math.floor(MOST_WORK / work)));

const help = (network: Subnetworks) => `POST /predict: which digit an image of 28 x 28 shows, by Monte-Carlo dropout.

As application/json: { "image": [784 numbers, 0 (background) to 255 (ink)], "p", "passes", "seed" }
As application/octet-stream: 784 bytes, with p, passes and seed in the query.

p       drop probability of the hidden layers, 0 to 1 (default ${network.p})
passes  subnetworks to ask, 1 to ${mostPasses(network)} (default ${PASSES})
seed    of all masks, 0 to 2^64 - 1, in decimal digits (default drawn, and told)

GET /load: the requests in flight, and those that this isolate has answered.
`;

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      return await answer(request);
    } catch (error) {
      // Nobody is there to read the answer.
      if (request.signal.aborted) return new Response(null, { status: 499 });
      if (!(error instanceof Refusal)) throw error;
      const { status, message, headers } = error;
      return Response.json({ error: message }, { status, headers });
    }
  },
};

const METHODS: Readonly<Record<string, readonly string[]>> = { "/": ["GET", "HEAD"], "/load": ["GET"], "/predict": ["POST"] };

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const methods = METHODS[pathname];
  if (methods === undefined) throw new Refusal(404, `"path" expected /, /load or /predict, got ${pathname.slice(0, 100)}`);
  if (!methods.includes(request.method)) {
    throw new Refusal(405, `"method" expected ${methods.join(" or ")}, got ${request.method}`, { allow: methods.join(", ") });
  }
  if (pathname === "/load") return Response.json(desk.counts);
  const network = await load();
  if (pathname === "/") return new Response(request.method === "GET" ? help(network) : null);
  const { signal } = request;
  const most = mostPasses(network);
  const question = await desk.read(signal, () => readQuestion(request, most));
  const { image, p = network.p, passes = Math.min(PASSES, most), seed = drawSeed() } = question;
  const predict = (onProgress: () => void) => network.predict(image, { p, passes, seed, signal, onProgress });
  const prediction = await desk.serve(passes * network.work, signal, predict);
  return Response.json({ ...prediction, p, passes, seed: `${seed}` });
}

function drawSeed(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0];
}

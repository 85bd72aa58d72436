// A Worker that says what digit an image shows, and how sure it is: Monte-Carlo dropout at the edge.

import weights from "./model.bin";
import { decodeModel } from "./model.js";
import { Subnetworks } from "./montecarlo.js";
import { P } from "./network.js";
import { MOST_PASSES, Refusal, readQuestion } from "./request.js";

const PASSES = 50;

const HELP = `POST /predict: which digit an image of 28 x 28 shows, by Monte-Carlo dropout.

As application/json: { "image": [784 numbers, 0 (background) to 255 (ink)], "p", "passes", "seed" }
As application/octet-stream: 784 bytes, with p, passes and seed in the query.

p       drop probability of the hidden layers, 0 to 1 (default ${P})
passes  subnetworks to ask, 1 to ${MOST_PASSES} (default ${PASSES})
seed    of all masks, 0 to 2^64 - 1, in decimal digits (default drawn, and told)
`;

// One for all requests of an isolate, each of which brings a seed of its own.
let loaded: Subnetworks | undefined;

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      return await answer(request);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, message, headers } = error;
      return Response.json({ error: message }, { status, headers });
    }
  },
};

const METHODS: Readonly<Record<string, readonly string[]>> = { "/": ["GET", "HEAD"], "/predict": ["POST"] };

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const methods = METHODS[pathname];
  if (methods === undefined) throw new Refusal(404, `"path" expected / or /predict, got ${pathname.slice(0, 100)}`);
  if (!methods.includes(request.method)) {
    throw new Refusal(405, `"method" expected ${methods.join(" or ")}, got ${request.method}`, { allow: methods.join(", ") });
  }
  if (pathname === "/") return new Response(request.method === "GET" ? HELP : null);
  const { image, p = P, passes = PASSES, seed = drawSeed() } = await readQuestion(request);
  loaded ??= await Subnetworks.load(decodeModel(weights));
  const prediction = await loaded.predict(image, { p, passes, seed });
  return Response.json({ ...prediction, p, passes, seed: `${seed}` });
}

function drawSeed(): bigint {
  return crypto.getRandomValues(new BigUint64Array(1))[0];
}

// Clients of every kind at once, and how long they wait: npm run load, on workerd itself. Bounded, and only against a server that it starts.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { PIXELS } from "./request.js";
import { serve } from "./serve.js";

const CLIENTS = 50;
const ROUNDS = 20;
const image = Uint8Array.from({ length: PIXELS }, (_, i) => (i % 28 > 12 && i % 28 < 16 ? 255 : 0));

const served = await serve();
const post = async (query: string, body: BodyInit = image, type = "application/octet-stream") => {
  const start = performance.now();
  const response = await fetch(`${served.url}/predict?${query}`, { method: "POST", headers: { "content-type": type }, body });
  await response.arrayBuffer();
  return { status: response.status, ms: performance.now() - start };
};
type Told = Awaited<ReturnType<typeof post>>;

const rows: string[][] = [];
function note(what: string, all: readonly Told[], seconds?: number): void {
  const times = all.map(({ ms }) => ms).sort((a, b) => a - b);
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(1);
  const statuses = [...new Set(all.map(({ status }) => status))].sort();
  const rate = seconds === undefined ? "" : (all.length / seconds).toFixed(0);
  rows.push([what, `${all.length}`, statuses.join(", "), at(0.5), at(0.95), times[times.length - 1].toFixed(1), rate]);
}

/** So many clients, each asking one time after another. */
async function crowd(clients: number, rounds: number, ask: (client: number, round: number) => Promise<Told>): Promise<[Told[], number]> {
  const start = performance.now();
  const all = await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const told: Told[] = [];
      for (let round = 0; round < rounds; ++round) told.push(await ask(client, round));
      return told;
    }),
  );
  return [all.flat(), (performance.now() - start) / 1000];
}

function connected(path: string, body: Uint8Array, length: number): Socket {
  const socket = connect(served.port, "127.0.0.1");
  socket.on("error", () => {});
  const type = "Content-Type: application/octet-stream";
  socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\n${type}\r\nContent-Length: ${length}\r\n\r\n`);
  socket.write(body);
  return socket;
}

const counts = async () => (await (await fetch(`${served.url}/load`)).json()) as { reading: number; computing: number; waiting: number };

try {
  await crowd(4, 100, (_, round) => post(`passes=50&seed=${round}`));
  for (const passes of [1, 50, 1000]) {
    const [alone] = await crowd(1, ROUNDS, (_, round) => post(`passes=${passes}&seed=${round}`));
    note(`1 client, T = ${passes}`, alone);
  }
  for (const passes of [1, 50]) {
    note(`${CLIENTS} clients, T = ${passes}`, ...(await crowd(CLIENTS, ROUNDS, (c, round) => post(`passes=${passes}&seed=${c + round}`))));
  }
  let ended = false;
  const large = crowd(CLIENTS, 1, (client) => post(`passes=1000&seed=${client}`)).finally(() => {
    ended = true;
  });
  const small: Told[] = [];
  while (!ended) small.push(await post(`passes=1&seed=${small.length}`));
  note(`1 client, T = 1, beside ${CLIENTS} of T = 1000`, small);
  note(`those ${CLIENTS}`, ...(await large));

  const flood = crowd(300, 1, (client) => post(`passes=1000&seed=${client}`));
  const [all, seconds] = await flood;
  for (const status of [200, 503]) {
    const some = all.filter((one) => one.status === status);
    if (some.length > 0)
      note(`300 clients, T = 1000: ${status === 200 ? "answered" : "refused"}`, some, status === 200 ? seconds : undefined);
  }
  note(`${CLIENTS} clients, no JSON`, ...(await crowd(CLIENTS, ROUNDS, () => post("", "{", "application/json"))));
  note(`${CLIENTS} clients, bodies of 64 KB`, ...(await crowd(CLIENTS, ROUNDS, () => post("", new Uint8Array(2 ** 16)))));

  const slow = Array.from({ length: CLIENTS }, () => connected("/predict", image.subarray(0, 10), PIXELS));
  const answers = slow.map(async (socket) => {
    const start = performance.now();
    const [data] = await once(socket, "data");
    return { status: Number(`${data}`.split(" ")[1]), ms: performance.now() - start };
  });
  while ((await counts()).reading < CLIENTS);
  note(`1 client, T = 50, beside ${CLIENTS} slow bodies`, (await crowd(1, ROUNDS, (_, round) => post(`passes=50&seed=${round}`)))[0]);
  note(`those ${CLIENTS}`, await Promise.all(answers));
  for (const socket of slow) socket.destroy();

  const gone = Array.from({ length: 180 }, (_, k) => connected(`/predict?passes=1000&seed=${k}`, image, PIXELS));
  for (let now = await counts(); now.computing + now.waiting < 150; now = await counts());
  for (const socket of gone) socket.resetAndDestroy();
  note("1 client, T = 1000, once 180 such have hung up", [await post("passes=1000&seed=1")]);
} finally {
  await served.stop();
}

const head = ["clients", "requests", "status", "median ms", "95%", "longest", "requests a second"];
for (const row of [head, ["---", "---:", "---", "---:", "---:", "---:", "---:"], ...rows]) console.log(`| ${row.join(" | ")} |`);

// A run over sizes: loads the peers, checks each, leaves out by name what fails or is too slow, and measures the rest together.

import { type Description, type Result, type Run, resultOf } from "../../bench/results.js";
import { NothingSelected } from "../../bench/session.js";
import { P } from "../../bench/subjects/subject.js";
import { formatSize } from "../../bench/terminal.js";
import { faultIn } from "./check.js";
import { measure, type Timed } from "./measure.js";
import type { Peer, Prepare, Prepared } from "./peer.js";

/** Drop probabilities. One half is the hardest for code that branches on decisions. */
export const PROBABILITIES = [P, 0.5] as const;

/** The least number of elements at which the time of a call predicts that of larger ones: below, most of it is overhead. */
const LEAST_TELLING = 2 ** 12;

/** The plan of a session. */
export interface Plan {
  /** Exactly one of them copies. */
  readonly peers: readonly Peer[];
  /** Elements; multiples of 8. */
  readonly sizes: readonly number[];
  /** Measures only peers with this in their names, beside the copy and this package. */
  readonly filter: string;
  readonly rounds: number;
  /** The longest time of a call: slower ones are not measured. */
  readonly mostMs: number;
}

export type Missing = NonNullable<Run["missing"]>[number];

/** The results at one size. */
export interface Found {
  readonly size: number;
  readonly results: readonly Result[];
  readonly missing: readonly Missing[];
}

/** A peer over data of one size with one p, ready and checked. */
interface Ready extends Description, Timed {
  readonly free: Prepared["free"];
  /** Notes the time of a call. */
  readonly learn: (ms: number) => void;
}

/** A peer that loaded, with its speed at each p as far as it is known. */
interface Loaded extends Peer {
  readonly prepare: Prepare;
  readonly msPerElement: Map<number, number>;
}

/**
 * Measures size by size, from the smallest.
 *
 * @param onBegin called with each size and the number of steps that it will take at most
 * @param onStep called after each of these steps
 */
export async function* runPeers(plan: Plan, onBegin: (size: number, steps: number) => void, onStep: () => void): AsyncGenerator<Found> {
  const { sizes, rounds } = plan;
  const copy = (plan.peers.find(({ copies }) => copies) as Peer).name;
  const unloaded: Missing[] = [];
  const peers: Loaded[] = [];
  for (const peer of select(plan)) {
    try {
      peers.push({ ...peer, prepare: await peer.load(), msPerElement: new Map() });
    } catch (error) {
      unloaded.push({ name: peer.name, reason: `does not load: ${describe(error)}` });
    }
  }
  for (const size of sizes.toSorted((a, b) => a - b)) {
    // A peer that did not load is listed as missing once, at the first of the sizes.
    const missing = unloaded.splice(0);
    const leaveOut = (name: string, reason: string) => missing.push({ name, reason: `${formatSize(size)} elements: ${reason}` });
    const x = Float32Array.from({ length: size }, (_, i) => 0.5 + ((i * 7) % 16) / 16);
    const out = new Float32Array(size).fill(1);
    const ready: Ready[] = [];
    for (const peer of peers) {
      for (const p of peer.copies ? [P] : PROBABILITIES) {
        const name = peer.copies || p === P ? peer.name : `${peer.name}, p = ${p}`;
        const subject = await getReady(peer, name, copy, x, p, out, plan.mostMs);
        if (typeof subject === "string") leaveOut(name, subject);
        else ready.push(subject);
      }
    }
    onBegin(size, ready.length * rounds);
    const failed = new Set<string>();
    const timings = await measure(ready, rounds, onStep, (name, error) => {
      failed.add(name);
      leaveOut(name, `failed while it was measured: ${describe(error)}`);
    });
    const results = ready
      .filter(({ name }) => !failed.has(name))
      .map((subject) => {
        const time = timings.time(subject.name);
        subject.learn(time.median);
        return resultOf(subject, size, time, timings.ratio(subject.name, subject.copy));
      });
    for (const { name, free } of ready) {
      try {
        await free?.();
      } catch (error) {
        leaveOut(name, `does not free its memory: ${describe(error)}`);
      }
    }
    yield { size, results, missing };
  }
}

function select({ peers, filter }: Plan): readonly Peer[] {
  const has = ({ name }: Peer) => name.toLowerCase().includes(filter.toLowerCase());
  if (!peers.some(has)) throw new NothingSelected(`--filter: nothing has ${JSON.stringify(filter)} in its name`);
  return peers.filter((peer) => peer.group !== "peer" || has(peer));
}

/** Prepares a peer, checks its result and times a call; returns the reason if it cannot be measured. */
async function getReady(
  peer: Loaded,
  name: string,
  copy: string,
  x: Float32Array<ArrayBuffer>,
  p: number,
  out: Float32Array<ArrayBuffer>,
  mostMs: number,
): Promise<Ready | string> {
  const { group, passes, copies, prepare, msPerElement } = peer;
  const tooSlow = (ms: number, verb: string) => `a call ${verb} ${(ms / 1000).toPrecision(2)} s, at most ${mostMs / 1000} s are allowed`;
  const learn = (ms: number) => {
    if (x.length >= LEAST_TELLING) msPerElement.set(p, ms / x.length);
  };
  const expected = (msPerElement.get(p) ?? 0) * x.length;
  if (expected > mostMs && !copies) return tooSlow(expected, "would take some");
  try {
    const { call, output, enter, free } = await prepare(x, p, out);
    await enter?.();
    let start = performance.now();
    const returned = call();
    const asynchronous = returned instanceof Promise;
    await returned;
    let elapsed = performance.now() - start;
    // Arrays may be written again by the next call.
    const first = output().slice();
    start = performance.now();
    await call();
    elapsed = Math.min(elapsed, performance.now() - start);
    const second = output();
    const fault = copies ? undefined : (faultIn(first, x, p) ?? faultIn(second, x, p) ?? repeatIn(first, second));
    if (copies || (fault === undefined && elapsed <= mostMs)) {
      return { name, group, copy, bytes: passes * (x.byteLength + out.byteLength), call, asynchronous, enter, free, learn };
    }
    if (fault === undefined) learn(elapsed);
    await free?.();
    return fault === undefined ? tooSlow(elapsed, "takes") : `wrong: ${fault}`;
  } catch (error) {
    // It is in no state to be freed.
    return `fails: ${describe(error)}`;
  }
}

/** Returns a reason to leave a peer out if two calls drew the same mask, which costs less than drawing. */
function repeatIn(first: Float32Array, second: Float32Array): string | undefined {
  return first.every((value, i) => value === second[i]) ? "two calls gave the same mask" : undefined;
}

/** The first line of an error. */
function describe(error: unknown): string {
  return String(error).split("\n", 1)[0] as string;
}

// The place of an instance in its sequence of masks: kind, seed, and the number of the stream that comes next.

import { checkChoice, checkObject } from "../ground/check.js";
import { Words } from "../ground/words.js";
import { STREAM_KINDS, type StreamKind } from "./kinds.js";
import { checkVersion, STREAM_VERSION } from "./ticket.js";

/** A place in an instance's sequence of masks: plain JSON. */
export interface DropoutState {
  /** Version of the stream specification: 1. */
  readonly version: number;
  /** Keep stream. */
  readonly kind: StreamKind;
  /** Seed, decimal digits of an integer in [0, 2^64). */
  readonly seed: string;
  /** The stream number that the next call without `stream` uses, decimal digits of an integer in [0, 2^64). */
  readonly nextStream: string;
}

export class Sequence {
  readonly kind: StreamKind;
  readonly next = new Words();
  /** The worker's number among those that share the sequence, each with one part of every mask; no part of the state, which is the same for all. */
  rank = 0;
  readonly #seed = new Words();
  // Drawn when it is first read: the engine's source may take longer to load than all else here, and some forbid it before the first request.
  #toDraw = false;

  constructor(kind: StreamKind) {
    this.kind = kind;
  }

  /** Returns a sequence from a random seed. */
  static random(kind: StreamKind): Sequence {
    const sequence = new Sequence(kind);
    sequence.#toDraw = true;
    return sequence;
  }

  get seed(): Words {
    if (this.#toDraw) {
      drawSeed(this.#seed);
      this.#toDraw = false;
    }
    return this.#seed;
  }

  get state(): DropoutState {
    return { version: STREAM_VERSION, kind: this.kind, seed: this.seed.toString(), nextStream: this.next.toString() };
  }

  /** Goes to the place of `value`; throws TypeError or RangeError, and stays, unless it is a saved state of this version and kind. */
  restore(value: unknown): void {
    const other = Sequence.from(value, [this.kind]);
    this.#seed.copy(other.seed);
    this.#toDraw = false;
    this.next.copy(other.next);
  }

  /** Returns a sequence of one of `kinds` at the place of `value`; throws as restore() does. */
  static from(value: unknown, kinds: readonly StreamKind[] = STREAM_KINDS): Sequence {
    checkObject(value, "state", "saved state");
    const { version, kind, seed, nextStream } = value as { [K in keyof DropoutState]?: unknown };
    checkVersion(version, "state.version");
    checkChoice(kind, "state.kind", kinds);
    const sequence = new Sequence(kind);
    sequence.seed.parse(seed, "state.seed");
    sequence.next.parse(nextStream, "state.nextStream");
    return sequence;
  }
}

function drawSeed(seed: Words): void {
  const words = new Uint32Array(2);
  const { crypto } = globalThis as { crypto?: Crypto };
  // React Native has no cryptographic random numbers of its own.
  if (crypto === undefined) for (let k = 0; k < 2; ++k) words[k] = Math.random() * 2 ** 32;
  else crypto.getRandomValues(words);
  [seed.low, seed.high] = words as unknown as [number, number];
}

// The command line of `npm run stream`.

import { parseCommandLine, UsageError } from "../../bench/command-line.js";
import type { StreamKind } from "../../src/core/index.js";
import { KINDS } from "../support/oracle.js";
import { type Draw, ELEMENTS, WHATS, type What } from "./bytes.js";

export const USAGE = `Writes a stream to standard output as bytes of which all values are equally likely, for PractRand, TestU01 or dieharder.

npm run --silent stream -- --bytes N [options] | RNG_test stdin32
  --bytes N       how many bytes to write
  --what bits     decisions at p = 1/2, a bit an element (default)
         bytes    the top byte of each element's random integer, from its masks at p = 1/256 to 255/256
         uniform  the 24 bits of each uniform number, low byte first
         normal   floor(256 Phi(z)) of each normal number z, a byte an element
  --kind tile     kind of bits and bytes: tile (default) or philox; uniform and normal numbers are of one stream for both
  --seed 1        integer in [0, 2^64) (default 1)
  --stream 0      integer in [0, 2^64) (default 0)
  --help          this text

Without --silent, npm writes lines of its own to standard output in front of the bytes.`;

export interface Options extends Draw {
  readonly bytes: number;
  readonly help: boolean;
}

/** Reads the command line; throws {@link UsageError}. */
export function readOptions(args: string[]): Options {
  const { kind, what, seed, stream, bytes, help } = parseCommandLine({
    args,
    options: {
      kind: { type: "string", default: "tile" },
      what: { type: "string", default: "bits" },
      seed: { type: "string", default: "1" },
      stream: { type: "string", default: "0" },
      bytes: { type: "string" },
      help: { type: "boolean", default: false },
    },
  }).values;
  const draw = {
    kind: readOne<StreamKind>("--kind", kind, KINDS),
    what: readOne<What>("--what", what, WHATS),
    seed: readInteger("--seed", seed, 0n, 2n ** 64n - 1n),
    stream: readInteger("--stream", stream, 0n, 2n ** 64n - 1n),
  };
  if (help) return { ...draw, bytes: 0, help };
  if (bytes === undefined) throw new UsageError("--bytes expected, as a stream has no end of its own");
  // A stream has 2^53 elements.
  const most = 2n ** 53n / BigInt(ELEMENTS[draw.what]);
  return { ...draw, bytes: Number(readInteger("--bytes", bytes, 1n, most)), help };
}

/** A word of the user's, in quotes and of bounded length. */
const quoted = (text: string) => JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);

function readOne<T extends string>(flag: string, text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new UsageError(`${flag} expected ${known.join(", ")}, got ${quoted(text)}`);
  return found;
}

function readInteger(flag: string, text: string, min: bigint, max: bigint): bigint {
  // No more digits than the largest has: longer texts need not be read.
  if (/^\d{1,20}$/.test(text) && BigInt(text) >= min && BigInt(text) <= max) return BigInt(text);
  throw new UsageError(`${flag} expected integer in [${min}, ${max}], got ${quoted(text)}`);
}

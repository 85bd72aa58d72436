// Questions to a port of the keep streams, a line each, and the answers of the files of known answers:
//   mask <kind> <seed> <stream> <p> <start> <count>    the bit mask in hexadecimal digits
//   normal <seed> <stream> <start> <count>             f32, little-endian, in hexadecimal digits; uniform likewise
//   philox <rounds> <counter> <key>                    four words, all in hexadecimal digits
//   xoshiro <state> <steps>                            of each step the ++ word and the ** word, in hexadecimal digits

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** A question, and what an answer has to be: itself, or its SHA-256 as bytes. */
export interface Question {
  readonly line: string;
  readonly answer?: string;
  readonly sha256?: string;
}

interface Case {
  readonly stream_kind: string;
  readonly seed: string;
  readonly stream: string;
  readonly p: number;
  readonly start: number;
  readonly count: number;
  readonly bits?: string;
  readonly sha256?: string;
}

const read = (name: string) => readFileSync(new URL(`../vectors/${name}`, import.meta.url), "utf8");

function masks(): Question[] {
  const { cases, hashed } = JSON.parse(read("keep-streams.json")) as { cases: Case[]; hashed: Case[] };
  return [...cases, ...hashed].map(({ stream_kind, seed, stream, p, start, count, bits, sha256 }) => ({
    line: `mask ${stream_kind} ${seed} ${stream} ${p} ${start} ${count}`,
    ...(bits === undefined ? { sha256: sha256 as string } : { answer: bits }),
  }));
}

// The examples of docs/keep-streams.md: at a threshold of the element's own random integer it is kept, at one above it is dropped. A product
// halfway between the two is rounded up, one below that is rounded down.
function ties(): Question[] {
  const examples = [
    { kind: "tile", i: 77, random: 0x194255cde721, range: 2 ** 48 },
    { kind: "tile", i: 137535, random: 0x19997acd3813, range: 2 ** 48 },
    { kind: "philox", i: 29, random: 0x6af5b239, range: 2 ** 32 },
  ];
  const above = [
    { more: 0, kept: 1 },
    { more: 0.25, kept: 1 },
    { more: 0.5, kept: 0 },
    { more: 1, kept: 0 },
  ];
  return examples.flatMap(({ kind, i, random, range }) =>
    above.map(({ more, kept }) => ({ line: `mask ${kind} 42 0 ${(random + more) / range} ${i} 1`, answer: `0${kept}` })),
  );
}

function generators(): Question[] {
  const lines = read("random123.txt")
    .split("\n")
    .map((line) => line.split(/\s+/));
  const philox = lines
    .filter(([name]) => name === "philox4x32")
    .map(([, ...words]) => ({ line: `philox ${words.slice(0, 7).join(" ")}`, answer: words.slice(7).join(" ") }));
  const outputs = (name: string) => lines.find(([first]) => first === name)?.slice(1) ?? [];
  const [plusPlus, starStar] = [outputs("xoshiro128++"), outputs("xoshiro128**")];
  const hex = (decimal: string) => Number(decimal).toString(16).padStart(8, "0");
  const xoshiro = {
    line: `xoshiro 1 2 3 4 ${plusPlus.length}`,
    answer: plusPlus.map((word, k) => `${hex(word)} ${hex(starStar[k] as string)}`).join(" "),
  };
  return [...philox, xoshiro];
}

/** Of the normal stream, which not every port has. */
export const NORMAL_QUESTIONS: readonly Question[] = (
  JSON.parse(read("normal-stream.json")) as { numbers: (Omit<Case, "bits" | "p"> & { distribution: string; values?: string })[] }
).numbers.map(({ distribution, seed, stream, start, count, values, sha256 }) => ({
  line: `${distribution} ${seed} ${stream} ${start} ${count}`,
  ...(values === undefined ? { sha256: sha256 as string } : { answer: littleEndian(values) }),
}));

/** Words in hexadecimal digits, the bytes of each turned round. */
function littleEndian(words: string): string {
  return words.replaceAll(/(..)(..)(..)(..) ?/g, "$4$3$2$1");
}

export const QUESTIONS: readonly Question[] = [...masks(), ...ties(), ...generators()];

/** An answer in the form in which the question knows it. */
export function comparable({ answer }: Question, got: string): string {
  return answer === undefined ? createHash("sha256").update(Buffer.from(got, "hex")).digest("hex") : got;
}

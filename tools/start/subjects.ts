// The packages, each as the program that starts with it uses it: what it imports, makes, and calls first.

import { EXTENSIONS, MODULES } from "../../modules.mjs";

export interface Subject {
  readonly name: string;
  /** The packages' entries. */
  readonly imports: readonly string[];
  /** A function of the imported modules that returns, or promises, what the first call needs. */
  readonly create: string;
  /** A function of that: the first call. */
  readonly call: string;
}

/** The package that the others are compared with. */
export const YARDSTICK = "xxhash-wasm";
export const CORE = "wasm-dropout";
export const ALL = "wasm-dropout and all extensions";

const FIRST_CALL = "(dropout) => dropout.dropout(new Float32Array(1000).fill(1), 0.1)";

const creators = EXTENSIONS.map((name) => `create${MODULES.find((module) => module.name === name)?.creates}`);

export const SUBJECTS: readonly Subject[] = [
  { name: CORE, imports: ["wasm-dropout"], create: "({ createDropout }) => createDropout({ seed: 42 })", call: FIRST_CALL },
  {
    name: "wasm-dropout with a random seed",
    imports: ["wasm-dropout"],
    create: "({ createDropout }) => createDropout()",
    call: FIRST_CALL,
  },
  {
    name: ALL,
    imports: ["wasm-dropout", ...EXTENSIONS.map((name) => `wasm-dropout/${name}`)],
    create: `async ({ createDropout }, ...extensions) => {
      const dropout = await createDropout({ seed: 42 });
      const creators = ${JSON.stringify(creators)};
      await Promise.all(extensions.map((extension, i) => extension[creators[i]](dropout)));
      return dropout;
    }`,
    call: FIRST_CALL,
  },
  {
    name: YARDSTICK,
    imports: ["xxhash-wasm"],
    create: "({ default: xxhash }) => xxhash()",
    call: '({ h64ToString }) => h64ToString("wasm-dropout")',
  },
  {
    name: "es-module-lexer",
    imports: ["es-module-lexer"],
    create: "async (lexer) => { await lexer.init; return lexer; }",
    call: "({ parse }) => parse('import \"wasm-dropout\"')",
  },
  {
    name: "hash-wasm",
    imports: ["hash-wasm"],
    create: "({ createSHA256 }) => createSHA256()",
    call: '(sha256) => sha256.init().update("wasm-dropout").digest()',
  },
];

/** The steps of a start, and their sum, in milliseconds. Engines whose clock stands still know the sum only. */
export interface Times {
  readonly import?: number;
  readonly create?: number;
  readonly call?: number;
  readonly sum: number;
}

/** Code that starts the subject and leaves its times in `times`. */
export function program({ imports, create, call }: Subject): string {
  return `const start = performance.now();
const modules = await Promise.all([${imports.map((name) => `import(${JSON.stringify(name)})`).join(", ")}]);
const imported = performance.now();
const made = await (${create})(...modules);
const created = performance.now();
(${call})(made);
const called = performance.now();
const times = { import: imported - start, create: created - imported, call: called - created, sum: called - start };
`;
}

/** A module with static imports whose function \`start\` does the rest. */
export function bundled({ imports, create, call }: Subject): string {
  return `${imports.map((name, i) => `import * as module${i} from ${JSON.stringify(name)};\n`).join("")}
export const create = () => (${create})(${imports.map((_, i) => `module${i}`).join(", ")});
export const call = ${call};
`;
}

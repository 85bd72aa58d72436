// The page's side of npm run bench:page: measures one size when the driver asks for it.

import reference from "../../build/reference.wasm?url";
import { EXTENSIONS } from "../../modules.mjs";
import type { Found } from "../session.js";
import type { Modules } from "../subjects.js";

// The builds of the core and of the extensions by path.
const BUILDS = import.meta.glob<string>(["../../build/*/{simd,scalar}.wasm"], {
  query: "?url",
  import: "default",
  eager: true,
});

/** The driver's request. */
export interface Request {
  readonly size: number;
  readonly filter: string;
  readonly rounds: number;
  readonly scalar: boolean;
}

async function measureSize({ size, filter, rounds, scalar }: Request): Promise<Found> {
  const build = (path: string) => compile(BUILDS[`../../build/${path}${scalar ? "scalar" : "simd"}.wasm`]);
  const extensions = await Promise.all(EXTENSIONS.map(async (name) => [name, await build(`${name}/`)]));
  const modules: Modules = { core: await build("core/"), reference: await compile(reference), extensions: Object.fromEntries(extensions) };
  // Imported here, as it waits for files of its own, and the driver calls as soon as the page is loaded.
  const { runSession } = await import("../session.js");
  const [found] = runSession({ modules, sizes: [size], filter, rounds, judged: !scalar, barsOnly: false }, ignore, ignore);
  return found as Found;
}

async function compile(url: string | undefined): Promise<WebAssembly.Module> {
  if (url === undefined) throw new TypeError("no such build");
  return WebAssembly.compile(await (await fetch(url)).arrayBuffer());
}

function ignore(): void {}

Object.assign(globalThis, { measureSize });

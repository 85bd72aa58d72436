// The suite as one file for an engine, with the packed package resolved, or left to be resolved, under the engine's conditions.

import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";
import type { Packed } from "../support/packed.js";

/** The form of the code that an engine runs. */
export interface Target extends Pick<BuildOptions, "conditions" | "format" | "loader" | "plugins"> {
  /** The code of the entry, which imports "./suite.js". */
  readonly entry: string;
  /** The path of the bundle. */
  readonly outfile: string;
  /** True if the engine itself imports the package from its folder. */
  readonly external?: boolean;
  /** True for the entries whose kernels are JavaScript. */
  readonly plain?: boolean;
}

/** Bundles the suite with the package of `packed`. */
export async function bundleSuite(
  packed: Packed,
  { entry, outfile, external = false, plain = false, plugins = [], ...options }: Target,
): Promise<void> {
  await build({
    stdin: { contents: entry, resolveDir: fileURLToPath(new URL(".", import.meta.url)), loader: "ts" },
    outfile,
    bundle: true,
    // Without the declarations of resources, which not every engine has yet.
    target: "es2022",
    platform: "neutral",
    mainFields: ["module", "main"],
    format: "esm",
    logLevel: "warning",
    plugins: [packedPackage(packed, external, plain), ...plugins],
    ...options,
  });
}

/** Resolves the package as a program in the folder of `packed` does, not as one in this repository. */
function packedPackage({ directory }: Packed, external: boolean, plain: boolean): Plugin {
  return {
    name: "packed package",
    setup({ onResolve, resolve }) {
      onResolve({ filter: /^wasm-dropout(\/|$)/ }, ({ path: wanted, kind, pluginData }) => {
        if (pluginData === directory) return undefined;
        const path = plain && wanted !== "wasm-dropout/inline" ? `${wanted}/js` : wanted;
        return external ? { path, external } : resolve(path, { resolveDir: directory, kind, pluginData: directory });
      });
    },
  };
}

// Hermes, the engine of React Native: no WebAssembly, classes or modules, so the suite is one script in the syntax of 2009, as React Native's tools make it.

import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import type { ExtensionName } from "../../modules.mjs";
import type { Packed } from "../support/packed.js";
import { bundleSuite } from "./bundle.js";
import { type Engine, MissingEngine, type Run } from "./engine.js";
import { firstLine } from "./processes.js";

const require = createRequire(import.meta.url);
const FOLDERS: Partial<Record<NodeJS.Platform, string>> = { linux: "linux64-bin", darwin: "osx-bin" };

// React Native has these, and this engine by itself does not.
const AROUND = `var performance = { now: function () { return Date.now(); } };
var console = { log: print };
function AbortController() {
  var listeners = [];
  var signal = {
    aborted: false,
    addEventListener: function (type, listener) { listeners.push(listener); },
    removeEventListener: function (type, listener) { listeners = listeners.filter(function (other) { return other !== listener; }); },
  };
  this.signal = signal;
  this.abort = function (reason) {
    signal.aborted = true;
    signal.reason = reason;
    listeners.forEach(function (listener) { listener(); });
  };
}
`;

/** Extensions whose checks take most of the time, as the engine interprets: tried where ALL_IN_HERMES is set. */
const UNTRIED: readonly ExtensionName[] = process.env.ALL_IN_HERMES ? [] : ["shapes", "linear", "fused", "attention"];

export const hermes: Engine = {
  name: "Hermes",
  plain: true,
  untried: UNTRIED,
  async run(packed: Packed): Promise<Run> {
    const folder = FOLDERS[process.platform];
    const path = fileURLToPath(new URL(`../node_modules/hermes-engine-cli/${folder}/hermes`, import.meta.url));
    if (folder === undefined || !existsSync(path)) throw new MissingEngine(`${path} does not exist`);
    // npm unpacks it without the right to run it, which its install script would give.
    chmodSync(path, 0o755);
    const outfile = join(packed.directory, "hermes.js");
    const entry = `import { runSuite } from "./suite.js";
      const engine = { compilesBytes: false, plain: true, detaches: false, untried: ${JSON.stringify(UNTRIED)} };
      runSuite(engine).then((report) => console.log(JSON.stringify(report)));`;
    await bundleSuite(packed, { entry, outfile, format: "iife", conditions: ["react-native"], plain: true });
    const { outputText } = ts.transpileModule(readFileSync(outfile, "utf8"), {
      compilerOptions: { target: ts.ScriptTarget.ES5, downlevelIteration: true, lib: ["es2022"], ignoreDeprecations: "6.0" },
    });
    writeFileSync(outfile, AROUND + outputText);
    const report: Run["report"] = JSON.parse(await firstLine(path, ["-O", "-w", outfile], packed.directory));
    return { version: require("hermes-engine-cli/package.json").version, report };
  },
};

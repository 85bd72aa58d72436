// Browsers: the suite in a page whose content security policy allows wasm and nothing else out of the ordinary.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BrowserName, MissingBrowser, openBrowser } from "../support/browsers.js";
import type { Packed } from "../support/packed.js";
import { serve } from "../support/static-server.js";
import { bundleSuite } from "./bundle.js";
import { type Engine, MissingEngine, type Run } from "./engine.js";

const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'";

/** A browser, called `name` by people; for kernels in JavaScript, in a page where wasm is forbidden. */
export function browser(id: BrowserName, name: string, plain = false): Engine {
  return {
    name: plain ? `${name}, wasm forbidden` : name,
    plain,
    async run(packed: Packed): Promise<Run> {
      const directory = join(packed.directory, `${id}${plain ? "-plain" : ""}`);
      mkdirSync(directory);
      writeFileSync(join(directory, "index.html"), '<!doctype html><title>suite</title><script type="module" src="suite.js"></script>');
      const entry = 'import { runSuite } from "./suite.js"; globalThis.report = runSuite({ compilesBytes: true });';
      const forbidden = `import { createDropout } from "wasm-dropout/inline";
        import { runSuite } from "./suite.js";
        globalThis.report = (async () => {
          const error = await createDropout().then(() => "no error", String);
          if (!/wasm-dropout.js/.test(error)) throw new Error(\`with wasm: \${error}\`);
          return await runSuite({ compilesBytes: false, plain: true });
        })();`;
      await bundleSuite(packed, { entry: plain ? forbidden : entry, outfile: join(directory, "suite.js"), conditions: ["browser"], plain });
      const policy = plain ? POLICY.replace(" 'wasm-unsafe-eval'", "") : POLICY;
      const server = await serve(directory, { headers: { "content-security-policy": policy } });
      try {
        const running = await open(id);
        try {
          const page = await running.newPage();
          await page.goto(`${server.url}/index.html`);
          return { version: running.version, report: await page.evaluate("return report") };
        } finally {
          await running.close();
        }
      } finally {
        await server.close();
      }
    },
  };
}

async function open(id: BrowserName) {
  try {
    return await openBrowser(id);
  } catch (error) {
    throw error instanceof MissingBrowser ? new MissingEngine(error.message) : error;
  }
}

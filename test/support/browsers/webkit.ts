// WebKitGTK's MiniBrowser on a virtual display, driven over HTTP by its WebDriver (https://www.w3.org/TR/webdriver2/).

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import type { Browser, Page } from "../browsers.js";
import { HANG_MS } from "../limits.js";
import { findProgram } from "./find.js";

// The path in Debian and systems made from it.
const MINI_BROWSERS = ["x86_64", "aarch64"].map((machine) => `/usr/lib/${machine}-linux-gnu/webkit2gtk-4.1/MiniBrowser`);

// WebDriver, section 17.4.2: code points that stand for keys without a character.
const KEYS: Record<string, string> = {
  Backspace: "\uE003",
  Tab: "\uE004",
  Enter: "\uE007",
  Shift: "\uE008",
  Escape: "\uE00C",
  End: "\uE010",
  Home: "\uE011",
  ArrowLeft: "\uE012",
  ArrowUp: "\uE013",
  ArrowRight: "\uE014",
  ArrowDown: "\uE015",
};

/** The most ports to try. */
const MOST_PORTS = 5;

// Sandboxing needs user namespaces, which containers do not give to root; shared memory is off in this port unless asked for.
const ENVIRONMENT = { WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", LIBGL_ALWAYS_SOFTWARE: "1", JSC_useSharedArrayBuffer: "1" };

export async function openWebKit(): Promise<Browser> {
  const driverPath = findProgram("WebKitWebDriver");
  const binary = findProgram(...MINI_BROWSERS);
  const displayPath = findProgram("Xvfb");
  const processes: ChildProcess[] = [];
  try {
    const xvfb = spawn(displayPath, ["-displayfd", "3", "-screen", "0", "1600x2000x24", "-nolisten", "tcp"], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    processes.push(xvfb);
    const display = await firstLine(xvfb);
    const env = { ...process.env, ...ENVIRONMENT, DISPLAY: `:${display}` };
    const server = await startDriver(driverPath, env, processes);
    return await startSession(server, binary, processes);
  } catch (error) {
    stop(processes);
    throw error;
  }
}

/** Returns the address of a driver that it starts: at another port if a program has taken the free one in the meantime, which ends the driver. */
async function startDriver(path: string, env: NodeJS.ProcessEnv, processes: ChildProcess[]): Promise<string> {
  const until = Date.now() + HANG_MS;
  for (let attempt = 0; attempt < MOST_PORTS; ++attempt) {
    const port = await freePort();
    const driver = spawn(path, ["-p", `${port}`], { env, stdio: "ignore", detached: true });
    processes.push(driver);
    while (driver.exitCode === null && driver.signalCode === null) {
      if (await isReady(`http://127.0.0.1:${port}`)) return `http://127.0.0.1:${port}`;
      if (Date.now() > until) throw new Error("WebKitWebDriver did not start");
      await wait(50);
    }
  }
  throw new Error("WebKitWebDriver did not start at any port");
}

async function startSession(server: string, binary: string, processes: ChildProcess[]): Promise<Browser> {
  const { sessionId, capabilities } = (await command("POST", `${server}/session`, {
    capabilities: {
      alwaysMatch: {
        browserName: "MiniBrowser",
        timeouts: { script: HANG_MS, pageLoad: HANG_MS },
        "webkitgtk:browserOptions": { binary, args: ["--automation"] },
      },
    },
  })) as { sessionId: string; capabilities: { browserVersion: string } };
  const session = `${server}/session/${sessionId}`;
  let pages = 0;
  return {
    name: "webkit",
    version: capabilities.browserVersion,
    async newPage() {
      // The session begins with one window; commands go to the window that was opened last.
      if (pages++ > 0) {
        const { handle } = (await command("POST", `${session}/window/new`, { type: "window" })) as { handle: string };
        await command("POST", `${session}/window`, { handle });
      }
      return pageOf(session);
    },
    async close() {
      await command("DELETE", session).catch(() => undefined);
      stop(processes);
    },
  };
}

function pageOf(session: string): Page {
  const evaluate = async <T>(body: string): Promise<T> => {
    const script = `const done = arguments[arguments.length - 1];
(async () => { ${body} })().then((value) => done({ value }), (error) => done({ error: String(error) + "\\n" + error?.stack }));`;
    const { value, error } = (await command("POST", `${session}/execute/async`, { script, args: [] })) as { value: T; error?: string };
    if (error !== undefined) throw new Error(error);
    return value;
  };
  return {
    evaluate,
    goto: async (url) => void (await command("POST", `${session}/url`, { url })),
    async screenshot(path) {
      await writeFile(path, Buffer.from((await command("GET", `${session}/screenshot`)) as string, "base64"));
    },
    async resize(width, height) {
      // A window has a frame and bars, of which only the difference is known.
      for (const _ of ["without bars", "with bars as they are"]) {
        const [inner, outer] = await evaluate<[[number, number], [number, number]]>(
          "return [[innerWidth, innerHeight], [outerWidth, outerHeight]]",
        );
        const size = { width: width + outer[0] - inner[0], height: height + outer[1] - inner[1] };
        await command("POST", `${session}/window/rect`, size);
        await wait(200);
      }
      // The bars of MiniBrowser keep its window from getting as narrow as a phone.
      const [innerWidth, innerHeight] = await evaluate<[number, number]>("return [innerWidth, innerHeight]");
      if (innerWidth !== width || innerHeight !== height)
        throw new Error(`the viewport is ${innerWidth} x ${innerHeight}, not ${width} x ${height}`);
    },
    async press(key) {
      const value = KEYS[key] ?? key;
      const actions = [{ type: "key", id: "keyboard", actions: ["keyDown", "keyUp"].map((type) => ({ type, value })) }];
      await command("POST", `${session}/actions`, { actions });
    },
    close: async () => void (await command("POST", `${session}/url`, { url: "about:blank" })),
  };
}

/** Returns the answer of a WebDriver command; throws an Error with its message if it failed. */
async function command(method: string, url: string, body?: object): Promise<unknown> {
  const response = await fetch(url, {
    method,
    ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
  });
  const { value } = (await response.json()) as { value: { error?: string; message?: string } };
  if (!response.ok) throw new Error(`WebDriver ${method} ${url}: ${value.error}: ${value.message}`);
  return value;
}

async function isReady(server: string): Promise<boolean> {
  try {
    return (await fetch(`${server}/status`)).ok;
  } catch {
    return false;
  }
}

async function firstLine(xvfb: ChildProcess): Promise<string> {
  const [chunk] = (await Promise.race([once(xvfb.stdio[3] as NodeJS.ReadableStream, "data"), wait(HANG_MS, [], { ref: false })])) as [
    Buffer?,
  ];
  if (chunk === undefined) throw new Error("Xvfb did not start");
  return chunk.toString().trim();
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("no free port");
  return address.port;
}

// The driver leads a process group, in which the browser's own processes are too.
function stop(processes: ChildProcess[]): void {
  for (const { pid, spawnargs } of processes.toReversed()) {
    try {
      if (pid !== undefined) process.kill(spawnargs.includes("-p") ? -pid : pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  }
}

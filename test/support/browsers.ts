// Real browsers, headless, behind one interface. Each is driven by the protocol that works with it as distributions ship it.

import { openChromium } from "./browsers/chromium.js";
import { MissingBrowser } from "./browsers/find.js";
import { openFirefox } from "./browsers/firefox.js";
import { openWebKit } from "./browsers/webkit.js";

export { MissingBrowser };

export const BROWSERS = ["chromium", "firefox", "webkit"] as const;
export type BrowserName = (typeof BROWSERS)[number];

/** One tab. */
export interface Page {
  /** Resolves once the page has loaded. */
  goto(url: string): Promise<void>;
  /** Runs the body of an async function in the page and returns its result, which must be JSON. */
  evaluate<T>(body: string): Promise<T>;
  /** Writes a PNG of the viewport. */
  screenshot(path: string): Promise<void>;
  /** Sets the size of the viewport; throws Error if the browser cannot: WebKit's is at least some 450 wide. */
  resize(width: number, height: number): Promise<void>;
  /** A real key press on the focused element: a character, "Tab", "Enter", " ", "ArrowRight", ... */
  press(key: string): Promise<void>;
  close(): Promise<void>;
}

/** A running browser. */
export interface Browser {
  readonly name: BrowserName;
  readonly version: string;
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

const OPEN: Record<BrowserName, () => Promise<Browser>> = { chromium: openChromium, firefox: openFirefox, webkit: openWebKit };

/** Starts a browser; throws MissingBrowser if it is not installed. */
export function openBrowser(name: BrowserName): Promise<Browser> {
  return OPEN[name]();
}

/** Returns the browser that is being started, or the MissingBrowser that says why there is none. Throws whatever else starting it throws. */
export function ifInstalled(opening: Promise<Browser>): Promise<Browser | MissingBrowser> {
  return opening.catch((error: unknown) => {
    if (error instanceof MissingBrowser) return error;
    throw error;
  });
}

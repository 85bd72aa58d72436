// Waits for a state of a page that announces nothing.

import type { Page } from "./browsers.js";

/** Calls an asynchronous function with the body `find` in the page until it gives something other than undefined, null, false, 0 and ""; returns that. */
export function until<T>(page: Page, find: string): Promise<T> {
  return page.evaluate(`
    const find = async () => { ${find} };
    for (;;) {
      const found = await find();
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }`);
}

// Waits for a state of a page that announces nothing.

import type { Page } from "./browsers.js";

/** Calls a function with the body `find` in the page until it returns something other than undefined, null, false, 0 and ""; returns that. */
export function until<T>(page: Page, find: string): Promise<T> {
  return page.evaluate(`
    const find = () => { ${find} };
    for (;;) {
      const found = find();
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }`);
}

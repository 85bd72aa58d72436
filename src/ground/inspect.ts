// The text that consoles print for objects of this package, whose state is private.

// Symbols that Node and Bun, and Deno, look up: nodejs.org/api/util.html, docs.deno.com/api/deno/~/Deno.inspect.
const HOOKS = ["nodejs.util.inspect.custom", "Deno.customInspect"];

/**
 * Makes consoles print the text that `show` returns for objects with this prototype, and for the prototype itself. Called when an object is made: work
 * done when a module loads would keep bundlers from leaving it out.
 */
export function inspectable(prototype: object, show: (object: unknown) => string): void {
  for (const hook of HOOKS) {
    Object.defineProperty(prototype, Symbol.for(hook), {
      configurable: true,
      value(this: unknown) {
        return show(this);
      },
    });
  }
}

// The text that consoles print for objects of this package, whose state is private.

// Symbols that Node and Bun, and Deno, look up: nodejs.org/api/util.html, docs.deno.com/api/deno/~/Deno.inspect.
const HOOKS = ["nodejs.util.inspect.custom", "Deno.customInspect"];

/** Has consoles print objects of `Class` as `show` says; `is` tells them from the prototype, which consoles also show. */
export function inspectable<T extends object>(
  Class: { readonly prototype: T; readonly name: string },
  is: (value: unknown) => boolean,
  show: (object: T) => string,
): void {
  for (const hook of HOOKS) {
    Object.defineProperty(Class.prototype, Symbol.for(hook), {
      configurable: true,
      value(this: T) {
        return is(this) ? show(this) : `${Class.name} {}`;
      },
    });
  }
}

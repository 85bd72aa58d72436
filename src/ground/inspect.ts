// The names of the methods by which consoles print objects of this package, whose state is private.

/** The symbol that Node and Bun look up: nodejs.org/api/util.html. */
export const INSPECT: unique symbol = /* @__PURE__ */ Symbol.for("nodejs.util.inspect.custom");

/** The symbol that Deno looks up: docs.deno.com/api/deno/~/Deno.inspect. */
export const INSPECT_DENO: unique symbol = /* @__PURE__ */ Symbol.for("Deno.customInspect");

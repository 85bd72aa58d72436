// Globals for AssemblyScript's loader, which makes a TextDecoder and adds to Object as soon as it is loaded. A page's sandbox may lack the one
// (jsdom, Hermes) and freeze the other; the loader needs neither to instantiate a module.

/** A decoder that asks for the engine's when it is used. */
export class TextDecoder {
  #options;

  /** @param {ConstructorParameters<typeof globalThis.TextDecoder>} options */
  constructor(...options) {
    this.#options = options;
  }

  /** @param {Parameters<globalThis.TextDecoder["decode"]>} input */
  decode(...input) {
    return new globalThis.TextDecoder(...this.#options).decode(...input);
  }
}

const { create, defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames, hasOwn, keys } = Object;

/** The functions that the loader uses. */
const functions = { create, defineProperty, getOwnPropertyDescriptor, getOwnPropertyNames, hasOwn, keys };

export { functions as Object };

// The last state of each training: in memory, and by IndexedDB for the next visit where the browser has it.

import { VARIANTS, type Variant } from "../settings.js";

const [DATABASE, TABLE] = ["wasm-dropout transformer", "states"];

export class Checkpoints {
  readonly #states = new Map<Variant, Uint8Array>();
  #database: IDBDatabase | undefined;

  /** Reads what the last visit has left. */
  static async open(): Promise<Checkpoints> {
    const checkpoints = new Checkpoints();
    try {
      const request = indexedDB.open(DATABASE, 1);
      request.onupgradeneeded = () => void request.result.createObjectStore(TABLE);
      const database = await done(request);
      const table = database.transaction(TABLE).objectStore(TABLE);
      for (const [variant, state] of await Promise.all(VARIANTS.map(async (name) => [name, await done(table.get(name))] as const))) {
        if (state instanceof Uint8Array) checkpoints.#states.set(variant, state);
      }
      checkpoints.#database = database;
    } catch {
      // Some browsers allow no such thing in some modes: `lasting` says so.
    }
    return checkpoints;
  }

  /** true if they are there at the next visit. */
  get lasting(): boolean {
    return this.#database !== undefined;
  }

  get(variant: Variant): Uint8Array | undefined {
    return this.#states.get(variant);
  }

  /** Keeps a state; resolves once it is where the next visit finds it, if it can. */
  async set(variant: Variant, state: Uint8Array): Promise<void> {
    this.#states.set(variant, state);
    try {
      const table = this.#database?.transaction(TABLE, "readwrite").objectStore(TABLE);
      if (table !== undefined) await done(table.put(state, variant));
    } catch {
      // The disk is full, say. In memory it is kept.
      this.#database = undefined;
    }
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

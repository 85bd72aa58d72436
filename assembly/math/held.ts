// The constants of a function, as classes with the same inline methods, reached by changetype<C>(0). V8 makes each constant vector anew in every
// iteration of a loop, from an immediate number by way of a general register: three instructions where a load that spreads one number is one. A loop
// that takes a vector an iteration reads them from a table, which the function itself writes before.
//
//   number(c, table, slot)   c in T, one f32 or four lanes
//   word(c, table, slot)     the same of an i32
//
// Slots are counted in words. Those of a function and of what it calls differ.

import { lanes, words } from "./ops";

/** Slots of a table. */
// @ts-ignore: decorator
@inline
export const SLOTS: usize = 32;

/** Constants where they are used. */
@unmanaged
export class Literal {
  @inline number<T>(c: f32, table: usize, slot: usize): T {
    return lanes<T>(c);
  }

  @inline word<I>(c: i32, table: usize, slot: usize): I {
    return words<I>(c);
  }
}

/** Constants from the table. */
@unmanaged
export class Held {
  @inline number<T>(c: f32, table: usize, slot: usize): T {
    if (isVector<T>()) return held(table, slot);
    else return lanes<T>(c);
  }

  @inline word<I>(c: i32, table: usize, slot: usize): I {
    if (isVector<I>()) return held(table, slot);
    else return words<I>(c);
  }
}

/** Constants on their way into the table: a function of any argument, with this class, writes the words, and spreadAll() makes vectors of them. */
@unmanaged
export class Holding {
  @inline number<T>(c: f32, table: usize, slot: usize): T {
    store<f32>(table + (slot << 2), c);
    return lanes<T>(c);
  }

  @inline word<I>(c: i32, table: usize, slot: usize): I {
    store<i32>(table + (slot << 2), c);
    return words<I>(c);
  }
}

/** Makes a table of words one of vectors, from the last on, so that none is overwritten before it is read. */
export function spreadAll(table: usize): void {
  for (let slot: i32 = <i32>SLOTS - 1; slot >= 0; --slot) v128.store(table + (slot << 4), v128.load32_splat(table + (slot << 2)));
}

/** A vector of the table. The compiler wants offsets of loads as literals, and leaves one of these. */
// @ts-ignore: decorator
@inline
export function held(table: usize, slot: usize): v128 {
  if (slot == 0) return v128.load(table, 0);
  if (slot == 1) return v128.load(table, 16);
  if (slot == 2) return v128.load(table, 32);
  if (slot == 3) return v128.load(table, 48);
  if (slot == 4) return v128.load(table, 64);
  if (slot == 5) return v128.load(table, 80);
  if (slot == 6) return v128.load(table, 96);
  if (slot == 7) return v128.load(table, 112);
  if (slot == 8) return v128.load(table, 128);
  if (slot == 9) return v128.load(table, 144);
  if (slot == 10) return v128.load(table, 160);
  if (slot == 11) return v128.load(table, 176);
  if (slot == 12) return v128.load(table, 192);
  if (slot == 13) return v128.load(table, 208);
  if (slot == 14) return v128.load(table, 224);
  if (slot == 15) return v128.load(table, 240);
  if (slot == 16) return v128.load(table, 256);
  if (slot == 17) return v128.load(table, 272);
  if (slot == 18) return v128.load(table, 288);
  if (slot == 19) return v128.load(table, 304);
  if (slot == 20) return v128.load(table, 320);
  if (slot == 21) return v128.load(table, 336);
  if (slot == 22) return v128.load(table, 352);
  if (slot == 23) return v128.load(table, 368);
  if (slot == 24) return v128.load(table, 384);
  if (slot == 25) return v128.load(table, 400);
  if (slot == 26) return v128.load(table, 416);
  if (slot == 27) return v128.load(table, 432);
  if (slot == 28) return v128.load(table, 448);
  if (slot == 29) return v128.load(table, 464);
  if (slot == 30) return v128.load(table, 480);
  return v128.load(table, 496);
}

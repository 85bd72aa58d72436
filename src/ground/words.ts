// Unsigned 64-bit integers (seeds and stream numbers) as pairs of 32-bit words, so that the hot path makes no bigint.

import { describe, wrongKind, wrongValue } from "./check.js";

const RANGE = "safe integer or bigint in [0, 2^64)";
const DIGITS = "string of decimal digits below 2^64";
const WORD = 2 ** 32;
const ZERO = 48;
/** Integers of so many decimal digits are exact in a double. */
const EXACT_DIGITS = 15;
// Digits of 2^64 - 1. Longer texts are not looked at.
const MOST_DIGITS = 20;
// As BigInt.asUintN takes the low 64 bits: what libraries with signed seeds make of negative ones.
const NEGATIVE = `${RANGE} (for a negative one, take BigInt.asUintN(64, BigInt(value)))`;

/** An unsigned 64-bit integer as low and high word. */
export class Words {
  low = 0;
  high = 0;

  /** Takes a non-negative safe integer or a bigint below 2^64; throws TypeError or RangeError that names `name`. */
  set(value: unknown, name: string): this {
    if (typeof value === "number") {
      if (!Number.isSafeInteger(value) || value < 0) throw wrongValue(name, value < 0 ? NEGATIVE : RANGE, value);
      this.low = value >>> 0;
      this.high = Math.floor(value / WORD);
    } else if (typeof value === "bigint") {
      if (value < 0n || value >= 1n << 64n) throw wrongValue(name, value < 0n ? NEGATIVE : RANGE, value);
      this.low = Number(value & 0xffffffffn);
      this.high = Number(value >> 32n);
    } else {
      throw wrongKind(name, RANGE, value);
    }
    return this;
  }

  /** Takes a decimal string, as tickets and saved states hold it; throws TypeError or RangeError that names `name`. */
  parse(text: unknown, name: string): this {
    if (typeof text !== "string") throw wrongKind(name, DIGITS, text);
    if (text.length > EXACT_DIGITS) return this.#parseLong(text, name);
    let value = 0;
    for (let k = 0; k < text.length; ++k) {
      const digit = text.charCodeAt(k) - ZERO;
      value = digit >= 0 && digit <= 9 ? value * 10 + digit : Number.NaN;
    }
    if (text === "" || Number.isNaN(value)) throw wrongValue(name, DIGITS, describe(text));
    this.low = value >>> 0;
    this.high = Math.floor(value / WORD);
    return this;
  }

  #parseLong(text: string, name: string): this {
    let low = 0;
    let high = text.length > MOST_DIGITS ? WORD : 0;
    for (let k = 0; k < text.length && high < WORD; ++k) {
      const digit = text.charCodeAt(k) - ZERO;
      low = low * 10 + digit;
      high = digit >= 0 && digit <= 9 ? high * 10 + Math.floor(low / WORD) : WORD;
      low %= WORD;
    }
    if (high >= WORD) throw wrongValue(name, DIGITS, describe(text));
    this.low = low;
    this.high = high;
    return this;
  }

  copy(other: Words): this {
    this.low = other.low;
    this.high = other.high;
    return this;
  }

  /** Adds one, modulo 2^64. */
  increment(): void {
    this.low = (this.low + 1) >>> 0;
    if (this.low === 0) this.high = (this.high + 1) >>> 0;
  }

  toBigInt(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  toString(): string {
    return this.toBigInt().toString();
  }
}

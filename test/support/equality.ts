// Set up for every file of tests: expect(a).toEqual(b) compares typed arrays element by element, at a microsecond each. Arrays of one type with the same
// bytes are equal by its rules too; what differs is left to it.

import { expect } from "vitest";

const bytesOf = ({ buffer, byteOffset, byteLength }: NodeJS.TypedArray) => new Uint8Array(buffer, byteOffset, byteLength);

expect.addEqualityTesters([
  (a: unknown, b: unknown): true | undefined => {
    if (!isTypedArray(a) || !isTypedArray(b)) return undefined;
    return Object.getPrototypeOf(a) === Object.getPrototypeOf(b) && Buffer.compare(bytesOf(a), bytesOf(b)) === 0 ? true : undefined;
  },
]);

function isTypedArray(value: unknown): value is NodeJS.TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

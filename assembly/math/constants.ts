// Constants that several functions of this folder share.

/** A float whose unit in the last place is 1: y + this is the integer next to y, plus this, and its low bits are those of the integer. */
// @ts-ignore: decorator
@inline
export const TO_INTEGER: f32 = 12582912; // 1.5 * 2^23

// ln 2 in two parts, the first of 9 bits, so that its product with an exponent is exact. Source: Cephes, expf.c and logf.c (Moshier).
// @ts-ignore: decorator
@inline
export const LN2_HIGH: f32 = 0.693359375;
// @ts-ignore: decorator
@inline
export const LN2_LOW: f32 = -2.1219444e-4;

/** The bits of a float's sign. */
// @ts-ignore: decorator
@inline
export const SIGN: i32 = 0x80000000;

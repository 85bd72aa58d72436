// exp and log in f64, each lane by itself, as FreeBSD's msun computes them (e_exp.c and e_log.c, after Sun's fdlibm): argument reduction by
// powers of 2 and a minimax polynomial, error below 1 ulp. Only IEEE operations, so that every engine gives the same bits.
// L is One or Two of ./lanes.ts, T its f64 or v128.

// ln 2 in two parts, the first of 32 bits, so that its products with exponents are exact.
// @ts-ignore: decorator
@inline
const LN2_HIGH: f64 = 6.9314718036912381649e-1;
// @ts-ignore: decorator
@inline
const LN2_LOW: f64 = 1.90821492927058770002e-10;
// @ts-ignore: decorator
@inline
const INVERSE_LN2: f64 = 1.442695040888963387;
// Below this, e^x is subnormal: e^-708 is the last integer power of e that is normal.
// @ts-ignore: decorator
@inline
const LEAST: f64 = -708.0;

/** e^x for x <= 0; 0 for x < -708. */
// @ts-ignore: decorator
@inline
export function exp<T, L>(x: T): T {
  const l = changetype<L>(0);
  const k = l.nearest(l.mul(x, l.splat(INVERSE_LN2)));
  const high = l.sub(x, l.mul(k, l.splat(LN2_HIGH)));
  const low = l.mul(k, l.splat(LN2_LOW));
  const r = l.sub(high, low);
  const z = l.mul(r, r);
  let p = l.add(l.mul(z, l.splat(4.13813679705723846039e-8)), l.splat(-1.6533902205465251539e-6));
  p = l.add(l.mul(z, p), l.splat(6.61375632143793436117e-5));
  p = l.add(l.mul(z, p), l.splat(-2.77777777770155933842e-3));
  p = l.add(l.mul(z, p), l.splat(1.66666666666666019037e-1));
  const c = l.sub(r, l.mul(z, p));
  const quotient = l.div(l.mul(r, c), l.sub(l.splat(2), c));
  const y = l.add(l.splat(1), l.add(l.sub(quotient, low), high));
  return l.zeroBelow(l.mul(y, l.power(k)), x, LEAST);
}

/** ln x for a positive normal x; an unspecified finite value for 0 and subnormal numbers. */
// @ts-ignore: decorator
@inline
function log<T, L>(x: T): T {
  const l = changetype<L>(0);
  const k = l.exponent(x);
  const f = l.sub(l.mantissa(x), l.splat(1));
  const half = l.mul(l.mul(l.splat(0.5), f), f);
  const s = l.div(f, l.add(l.splat(2), f));
  const z = l.mul(s, s);
  const w = l.mul(z, z);
  let even = l.add(l.mul(w, l.splat(1.531383769920937332e-1)), l.splat(2.222219843214978396e-1));
  even = l.mul(w, l.add(l.mul(w, even), l.splat(3.999999999940941908e-1)));
  let odd = l.add(l.mul(w, l.splat(1.479819860511658591e-1)), l.splat(1.818357216161805012e-1));
  odd = l.add(l.mul(w, odd), l.splat(2.857142874366239149e-1));
  odd = l.mul(z, l.add(l.mul(w, odd), l.splat(6.66666666666673513e-1)));
  const r = l.add(odd, even);
  const small = l.sub(l.add(l.mul(s, l.add(half, r)), l.mul(k, l.splat(LN2_LOW))), half);
  return l.add(l.add(small, f), l.mul(k, l.splat(LN2_HIGH)));
}

/** x ln x: 0 at 0, as in the limit, and off by less than 1e-305 for subnormal x; NaN for x < 0, infinity at infinity. */
// @ts-ignore: decorator
@inline
export function xlogx<T, L>(x: T): T {
  const l = changetype<L>(0);
  return l.nanBelowZero(l.mul(x, log<T, L>(x)), x);
}

// The functions of assembly/math over memory, in vectors and one by one: <function><lanes>_f32(dst, src, n), n a multiple of 4. The turns
// take u32 words. In the build without SIMD the vector forms trap.

import { erf1, erf4 } from "../../assembly/math/erf";
import { exp1, exp4, expNeg1, expNeg4 } from "../../assembly/math/exp";
import { log1, log4, logNormal1, logNormal4 } from "../../assembly/math/log";
import { sigmoid1, sigmoid4 } from "../../assembly/math/sigmoid";
import { tanh1, tanh4 } from "../../assembly/math/tanh";
import { cosTurn1, cosTurn4, sinTurn1, sinTurn4 } from "../../assembly/math/turn";

@unmanaged
class Exp {
  @inline vector(x: v128): v128 {
    return exp4(x);
  }
  @inline one(x: f32): f32 {
    return exp1(x);
  }
}
@unmanaged
class ExpNeg {
  @inline vector(x: v128): v128 {
    return expNeg4(x);
  }
  @inline one(x: f32): f32 {
    return expNeg1(x);
  }
}
@unmanaged
class Log {
  @inline vector(x: v128): v128 {
    return log4(x);
  }
  @inline one(x: f32): f32 {
    return log1(x);
  }
}
@unmanaged
class LogNormal {
  @inline vector(x: v128): v128 {
    return logNormal4(x);
  }
  @inline one(x: f32): f32 {
    return logNormal1(x);
  }
}
@unmanaged
class Sigmoid {
  @inline vector(x: v128): v128 {
    return sigmoid4(x);
  }
  @inline one(x: f32): f32 {
    return sigmoid1(x);
  }
}
@unmanaged
class Erf {
  @inline vector(x: v128): v128 {
    return erf4(x);
  }
  @inline one(x: f32): f32 {
    return erf1(x);
  }
}
@unmanaged
class Tanh {
  @inline vector(x: v128): v128 {
    return tanh4(x);
  }
  @inline one(x: f32): f32 {
    return tanh1(x);
  }
}
@unmanaged
class CosTurn {
  @inline vector(w: v128): v128 {
    return cosTurn4(w);
  }
  @inline one(w: u32): f32 {
    return cosTurn1(w);
  }
}
@unmanaged
class SinTurn {
  @inline vector(w: v128): v128 {
    return sinTurn4(w);
  }
  @inline one(w: u32): f32 {
    return sinTurn1(w);
  }
}

// @ts-ignore: decorator
@inline
function vectors<F>(dst: usize, src: usize, n: usize): void {
  if (ASC_FEATURE_SIMD) {
    for (const end = src + (n << 2); src < end; src += 16, dst += 16) v128.store(dst, changetype<F>(0).vector(v128.load(src)));
  } else unreachable();
}

/** X is the type of the argument. */
// @ts-ignore: decorator
@inline
function ones<F, X>(dst: usize, src: usize, n: usize): void {
  for (const end = src + (n << 2); src < end; src += 4, dst += 4) store<f32>(dst, changetype<F>(0).one(load<X>(src)));
}

export function exp4_f32(dst: usize, src: usize, n: usize): void {
  vectors<Exp>(dst, src, n);
}
export function exp1_f32(dst: usize, src: usize, n: usize): void {
  ones<Exp, f32>(dst, src, n);
}
export function expNeg4_f32(dst: usize, src: usize, n: usize): void {
  vectors<ExpNeg>(dst, src, n);
}
export function expNeg1_f32(dst: usize, src: usize, n: usize): void {
  ones<ExpNeg, f32>(dst, src, n);
}
export function log4_f32(dst: usize, src: usize, n: usize): void {
  vectors<Log>(dst, src, n);
}
export function log1_f32(dst: usize, src: usize, n: usize): void {
  ones<Log, f32>(dst, src, n);
}
export function logNormal4_f32(dst: usize, src: usize, n: usize): void {
  vectors<LogNormal>(dst, src, n);
}
export function logNormal1_f32(dst: usize, src: usize, n: usize): void {
  ones<LogNormal, f32>(dst, src, n);
}
export function sigmoid4_f32(dst: usize, src: usize, n: usize): void {
  vectors<Sigmoid>(dst, src, n);
}
export function sigmoid1_f32(dst: usize, src: usize, n: usize): void {
  ones<Sigmoid, f32>(dst, src, n);
}
export function erf4_f32(dst: usize, src: usize, n: usize): void {
  vectors<Erf>(dst, src, n);
}
export function erf1_f32(dst: usize, src: usize, n: usize): void {
  ones<Erf, f32>(dst, src, n);
}
export function tanh4_f32(dst: usize, src: usize, n: usize): void {
  vectors<Tanh>(dst, src, n);
}
export function tanh1_f32(dst: usize, src: usize, n: usize): void {
  ones<Tanh, f32>(dst, src, n);
}
export function cosTurn4_f32(dst: usize, src: usize, n: usize): void {
  vectors<CosTurn>(dst, src, n);
}
export function cosTurn1_f32(dst: usize, src: usize, n: usize): void {
  ones<CosTurn, u32>(dst, src, n);
}
export function sinTurn4_f32(dst: usize, src: usize, n: usize): void {
  vectors<SinTurn>(dst, src, n);
}
export function sinTurn1_f32(dst: usize, src: usize, n: usize): void {
  ones<SinTurn, u32>(dst, src, n);
}

// Bias, activation and residual around dropout: operations of assembly/fused/elementwise.ts.

import { Held, Literal } from "../math/held";
import { hold } from "./activation";

// @ts-ignore: decorator
@inline
function add<T>(a: v128, b: v128): v128 {
  return sizeof<T>() == 4 ? f32x4.add(a, b) : f64x2.add(a, b);
}

/** y = residual + dropout(x + bias), `other` being the residual. Source: bias_dropout_add of Megatron-LM. */
@unmanaged
export class AddResidual<T> {
  @inline hold(table: usize): void {}

  @inline long(): bool {
    return false;
  }

  @inline vector(x: usize, other: usize, bias: usize, table: usize): v128 {
    return add<T>(v128.load(x), v128.load(bias));
  }

  @inline value(x: usize, other: usize, bias: usize): T {
    return load<T>(x) + load<T>(bias);
  }

  @inline join(v: v128, other: usize): v128 {
    return add<T>(v128.load(other), v);
  }

  @inline joinOne(v: T, other: usize): T {
    return load<T>(other) + v;
  }
}

/** y = dropout(x + bias). */
@unmanaged
export class AddBias<T> {
  @inline hold(table: usize): void {}

  @inline long(): bool {
    return false;
  }

  @inline vector(x: usize, other: usize, bias: usize, table: usize): v128 {
    return add<T>(v128.load(x), v128.load(bias));
  }

  @inline value(x: usize, other: usize, bias: usize): T {
    return load<T>(x) + load<T>(bias);
  }

  @inline join(v: v128, other: usize): v128 {
    return v;
  }

  @inline joinOne(v: T, other: usize): T {
    return v;
  }
}

/** y = dropout(act(x + bias)) with activation A. Source: fused_dropout_bias_activation of xFormers. */
@unmanaged
export class Activate<A> {
  @inline hold(table: usize): void {
    if (changetype<A>(0).long()) hold<A>(table);
  }

  @inline long(): bool {
    return changetype<A>(0).long();
  }

  @inline vector(x: usize, other: usize, bias: usize, table: usize): v128 {
    const v = f32x4.add(v128.load(x), v128.load(bias));
    if (changetype<A>(0).long()) return changetype<A>(0).value<v128, v128, Held>(v, table);
    else return changetype<A>(0).value<v128, v128, Literal>(v, table);
  }

  @inline value(x: usize, other: usize, bias: usize): f32 {
    return value<f32, A>(load<f32>(x) + load<f32>(bias));
  }

  @inline join(v: v128, other: usize): v128 {
    return v;
  }

  @inline joinOne(v: f32, other: usize): f32 {
    return v;
  }
}

/** dx = dropout(dy act'(x + bias)), `other` being x, and dy the epilogue's input. */
@unmanaged
export class Gradient<A> {
  @inline hold(table: usize): void {
    if (changetype<A>(0).long()) hold<A>(table);
  }

  @inline long(): bool {
    return changetype<A>(0).long();
  }

  @inline vector(dy: usize, other: usize, bias: usize, table: usize): v128 {
    const v = f32x4.add(v128.load(other), v128.load(bias));
    const g = v128.load(dy);
    if (changetype<A>(0).long()) return changetype<A>(0).slope<v128, v128, Held>(v, g, table);
    else return changetype<A>(0).slope<v128, v128, Literal>(v, g, table);
  }

  @inline value(dy: usize, other: usize, bias: usize): f32 {
    return slope<f32, A>(load<f32>(other) + load<f32>(bias), load<f32>(dy));
  }

  @inline join(v: v128, other: usize): v128 {
    return v;
  }

  @inline joinOne(v: f32, other: usize): f32 {
    return v;
  }
}

/** Activate of f64, an element at a time. */
@unmanaged
export class Activate64<A> {
  @inline value(x: usize, other: usize, bias: usize): f64 {
    return value<f64, A>(load<f64>(x) + load<f64>(bias));
  }

  @inline joinOne(v: f64, other: usize): f64 {
    return v;
  }
}

/** Gradient of f64, an element at a time. */
@unmanaged
export class Gradient64<A> {
  @inline value(dy: usize, other: usize, bias: usize): f64 {
    return slope<f64, A>(load<f64>(other) + load<f64>(bias), load<f64>(dy));
  }

  @inline joinOne(v: f64, other: usize): f64 {
    return v;
  }
}

function value<T, A>(v: T): T {
  return changetype<A>(0).value<T, i32, Literal>(v, 0);
}

function slope<T, A>(v: T, g: T): T {
  return changetype<A>(0).slope<T, i32, Literal>(v, g, 0);
}

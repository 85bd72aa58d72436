// Sums of the columns of a matrix, in f64, each begun at +0 and its rows added in ascending order: the same bits in whatever pieces the
// matrix comes. Eight sums at a time stay in registers over all the rows of a piece.

// @ts-ignore: decorator
@inline
function pair<T>(from: usize): v128 {
  return sizeof<T>() == 4 ? f64x2.promote_low_f32x4(v128.load64_zero(from)) : v128.load(from);
}

/** Adds to the `width` sums at `sums` what lies at `from`, `rows` rows of them, `stride` bytes apart. */
function addRows<T>(sums: usize, from: usize, width: usize, rows: usize, stride: usize): void {
  let c: usize = 0;
  if (ASC_FEATURE_SIMD) {
    for (; c + 8 <= width; c += 8) {
      const at = sums + c * 8;
      let s0 = v128.load(at);
      let s1 = v128.load(at, 16);
      let s2 = v128.load(at, 32);
      let s3 = v128.load(at, 48);
      let x = from + c * sizeof<T>();
      for (let r: usize = 0; r < rows; ++r) {
        s0 = f64x2.add(s0, pair<T>(x));
        s1 = f64x2.add(s1, pair<T>(x + 2 * sizeof<T>()));
        s2 = f64x2.add(s2, pair<T>(x + 4 * sizeof<T>()));
        s3 = f64x2.add(s3, pair<T>(x + 6 * sizeof<T>()));
        x += stride;
      }
      v128.store(at, s0);
      v128.store(at, s1, 16);
      v128.store(at, s2, 32);
      v128.store(at, s3, 48);
    }
  }
  for (; c < width; ++c) {
    let sum = load<f64>(sums + c * 8);
    let x = from + c * sizeof<T>();
    for (let r: usize = 0; r < rows; ++r) {
      sum += <f64>load<T>(x);
      x += stride;
    }
    store<f64>(sums + c * 8, sum);
  }
}

/** Adds n elements in row-major order, the first in column `column`, to the sums of `columns` columns. */
export function sumRows<T>(sums: usize, from: usize, n: usize, column: usize, columns: usize): void {
  const stride = columns * sizeof<T>();
  if (column) {
    const head = min(n, columns - column);
    addRows<T>(sums + column * 8, from, head, 1, stride);
    from += head * sizeof<T>();
    n -= head;
  }
  const rows = n / columns;
  addRows<T>(sums, from, columns, rows, stride);
  addRows<T>(sums, from + rows * stride, n - rows * columns, 1, stride);
}

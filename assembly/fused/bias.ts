// Bias, dropout and residual in one pass.

export function residual<T>(dst: usize, x: usize, other: usize, bias: usize, keep: usize, rows: usize, columns: usize, scale: f64): void {
  const n = rows * columns;
  for (let i: usize = 0; i < n; ++i) {
    const at = i * sizeof<T>();
    const v = load<T>(x + at) + load<T>(bias + (i % columns) * sizeof<T>());
    store<T>(dst + at, load<T>(other + at) + (load<u8>(keep + i) ? v * <T>scale : <T>0));
  }
}

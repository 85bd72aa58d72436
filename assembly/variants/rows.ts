// Rows moved by their indices: u32, a row's place among those of one sample.

/** Writes the indices of the elements that are kept in each row, ascending, each plus `first`. */
export function indicesOf(dst: usize, keep: usize, rows: usize, columns: usize, first: usize): void {
  for (let row: usize = 0; row < rows; ++row, keep += columns) {
    for (let j: usize = 0; j < columns; ++j) {
      if (load<u8>(keep + j)) {
        store<u32>(dst, <u32>(first + j));
        dst += 4;
      }
    }
  }
}

/** Copies rows of `bytes` bytes from where the indices say. */
export function gather(dst: usize, src: usize, indices: usize, rows: usize, bytes: usize): void {
  for (let row: usize = 0; row < rows; ++row) {
    memory.copy(dst + row * bytes, src + <usize>load<u32>(indices + (row << 2)) * bytes, bytes);
  }
}

/** Copies rows of `bytes` bytes to where the indices say. */
export function scatter(dst: usize, src: usize, indices: usize, rows: usize, bytes: usize): void {
  for (let row: usize = 0; row < rows; ++row) {
    memory.copy(dst + <usize>load<u32>(indices + (row << 2)) * bytes, src + row * bytes, bytes);
  }
}

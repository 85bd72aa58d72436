// Data cut into pieces that fit the caches.

/** The most elements of a piece: its decisions and data stay in the L1 and L2 cache between the kernels that make and use them. */
export const PIECE = 16384;

/** A part of a matrix in row-major order: whole rows, or a part of one. */
export interface Piece {
  /** Offset of its first element. */
  readonly at: number;
  /** Number of elements: rows times columns. */
  readonly count: number;
  readonly row: number;
  readonly rows: number;
  readonly column: number;
  readonly columns: number;
}

/** Yields 0..total-1 in parts of at most `most`. */
export function* parts(total: number, most = PIECE): Generator<{ readonly at: number; readonly count: number }> {
  for (let at = 0; at < total; at += most) yield { at, count: Math.min(most, total - at) };
}

/** Yields the pieces of a matrix, of at most PIECE elements each, or of a row each where rows must stay `whole`. */
export function* pieces(rows: number, columns: number, whole = false): Generator<Piece> {
  if (columns === 0) return;
  for (const { at: row, count: some } of parts(rows, rowsOfPiece(columns))) {
    for (const { at: column, count } of parts(columns, whole ? columns : PIECE)) {
      yield { at: row * columns + column, count: some * count, row, rows: some, column, columns: count };
    }
  }
}

/** Returns the most rows of a piece of whole rows. */
export function rowsOfPiece(columns: number): number {
  return Math.max(1, Math.floor(PIECE / Math.max(1, columns)));
}

// DropBlock's mask: every dropped seed drops the block of elements around it. Source: Ghiasi, Lin, Le, "DropBlock: a regularization method
// for convolutional networks", NeurIPS 2018, algorithm 1; a seed counts only where its block lies wholly in the feature map.
// Invariant: bits are only cleared, so seeds may come in pieces.

/** Clears bits `from` to `to` of the byte that holds bit `bit`. */
// @ts-ignore: decorator
@inline
function clearInByte(mask: usize, bit: u64, from: u32, to: u32): void {
  const at = mask + <usize>(bit >> 3);
  store<u8>(at, <u8>(load<u8>(at) & ~((<u32>2 << to) - (<u32>1 << from))));
}

/** Clears `count` bits from `bit` on. */
// @ts-ignore: decorator
@inline
function clearRun(mask: usize, bit: u64, count: u64): void {
  const last = bit + count - 1;
  const end = last >> 3;
  let from = <u32>bit & 7;
  for (; bit >> 3 < end; bit = (bit | 7) + 1, from = 0) clearInByte(mask, bit, from, 7);
  clearInByte(mask, last, from, <u32>last & 7);
}

/**
 * Clears in `mask` the blocks of the dropped ones (0) among n seeds, which are numbered map by map; the first has number `first`. Maps have
 * rows x columns elements and blocks side x side. In the mask too maps lie one behind the other if `channels` is 1; else there are so many maps a
 * sample, and their elements at the same place lie side by side.
 */
export function clearBlocks(mask: usize, seeds: usize, n: usize, first: u64, channels: u64, rows: u64, columns: u64, side: u64): void {
  let i: usize = 0;
  for (; i + 64 <= n; i += 64) clearAround(mask, ~load<u64>(seeds + (i >> 3)), first + i, channels, rows, columns, side);
  for (; i < n; i += 8) {
    const inside = n - i >= 8 ? 0xff : (<u64>1 << (n - i)) - 1;
    clearAround(mask, ~<u64>load<u8>(seeds + (i >> 3)) & inside, first + i, channels, rows, columns, side);
  }
}

/** Clears the blocks of the seeds whose bits are set in `dropped`, the lowest bit being that of seed `first`. */
// @ts-ignore: decorator
@inline
function clearAround(mask: usize, dropped: u64, first: u64, channels: u64, rows: u64, columns: u64, side: u64): void {
  for (; dropped; dropped &= dropped - 1) clearBlock(mask, first + ctz(dropped), channels, rows, columns, side);
}

function clearBlock(mask: usize, seed: u64, channels: u64, rows: u64, columns: u64, side: u64): void {
  const map = seed / (rows * columns);
  const place = seed - map * (rows * columns);
  const row = place / columns;
  const column = place - row * columns;
  const before = side >> 1;
  const after = (side - 1) >> 1;
  if (row < before || row >= rows - after || column < before || column >= columns - after) return;
  const corner = (row - before) * columns + column - before;
  let bit = ((map / channels) * rows * columns + corner) * channels + (map % channels);
  for (let line: u64 = 0; line < side; ++line, bit += columns * channels) {
    if (channels == 1) clearRun(mask, bit, side);
    else for (let k: u64 = 0, at = bit; k < side; ++k, at += channels) clearInByte(mask, at, <u32>at & 7, <u32>at & 7);
  }
}

// DropBlock's mask: every dropped seed drops the block of elements around it. Source: Ghiasi, Lin, Le, "DropBlock: a regularization method
// for convolutional networks", NeurIPS 2018, algorithm 1; a seed counts only where its block lies wholly in the feature map.
// Invariant: bits are only cleared, so seeds may come in pieces.

/** Clears `count` bits from `bit` on. */
function clearRun(mask: usize, bit: u64, count: u64): void {
  let at = mask + <usize>(bit >> 3);
  let shift = <u32>bit & 7;
  while (count > 0) {
    const some = <u32>min<u64>(8 - shift, count);
    store<u8>(at, <u8>(load<u8>(at) & ~(((<u32>1 << some) - 1) << shift)));
    count -= some;
    shift = 0;
    ++at;
  }
}

/**
 * Clears in `mask` the blocks of the dropped ones (0) among n seeds, which are numbered map by map; the first has number `first`. Maps have
 * rows x columns elements and blocks side x side. In the mask too maps lie one behind the other if `channels` is 1; else there are so many maps a
 * sample, and their elements at the same place lie side by side.
 */
export function clearBlocks(mask: usize, seeds: usize, n: usize, first: u64, channels: u64, rows: u64, columns: u64, side: u64): void {
  for (let i: usize = 0; i < n; i += 8) {
    const inside = n - i >= 8 ? 0xff : (<u32>1 << <u32>(n - i)) - 1;
    for (let dropped = ~<u32>load<u8>(seeds + (i >> 3)) & inside; dropped; dropped &= dropped - 1) {
      clearBlock(mask, first + i + ctz(dropped), channels, rows, columns, side);
    }
  }
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
    else for (let k: u64 = 0; k < side; ++k) clearRun(mask, bit + k * channels, 1);
  }
}

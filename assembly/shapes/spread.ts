// DropBlock's mask: every dropped seed drops the block of elements around it. Source: Ghiasi, Lin, Le, "DropBlock: a regularization method
// for convolutional networks", NeurIPS 2018, algorithm 1. A block is a box, so its mask is made one axis after the other: along lines of neighbouring
// elements from seed to seed, as there are few, and along the other axes by shifting the bits of many elements at once. Time grows with the number of
// elements and the logarithm of the block's side, not with its volume.
// Invariant: 1 = keep. Words are read and written up to 8 bytes in front of the mask and 16 behind it, which stay as they are.

const WORD: u64 = 64;
const ONES: u64 = -1;

/**
 * Drops in `dst` what lies up to `before` places below and `after` above a dropped element of `src`, within its line of `size` elements, of n in all.
 * Unless `border`, leaves out those whose neighbours would not all lie in the line.
 */
export function spreadLines(dst: usize, src: usize, n: u64, size: u64, before: u64, after: u64, border: bool): void {
  // The present line, and the end of what has been dropped.
  let from: u64 = 0;
  let done: u64 = 0;
  for (let word: u64 = 0; word < n; word += WORD) {
    let dropped = ~load<u64>(src + <usize>(word >> 3)) & within(word, 0, n);
    for (; dropped; dropped &= dropped - 1) {
      const seed = word + ctz(dropped);
      if (seed >= from + size) from = seed - (seed % size);
      const place = seed - from;
      if (!border && (place < before || place + after >= size)) continue;
      const low = max(place < before ? from : seed - before, done);
      done = max(done, min(seed + after + 1, from + size));
      if (low < done) dropAll(dst, low, done);
    }
  }
}

/** Drops elements `from` to `end` - 1. */
// @ts-ignore: decorator
@inline
function dropAll(mask: usize, from: u64, end: u64): void {
  for (let word = from & ~(WORD - 1); word < end; word += WORD) {
    const at = mask + <usize>(word >> 3);
    store<u64>(at, load<u64>(at) & ~within(word, from, end));
  }
}

/**
 * Spreads dropped elements along one axis of a mask of outer x size x inner bits: by `before` places down and `after` places up, within the axis.
 * Unless `border`, first forgets those that are nearer to its ends than that.
 */
export function spread(mask: usize, outer: u64, size: u64, inner: u64, before: u64, after: u64, border: bool): void {
  const block = size * inner;
  for (let at: u64 = 0; outer > 0; --outer, at += block) {
    if (!border) {
      keepAll(mask, at, before * inner);
      keepAll(mask, at + block - after * inner, after * inner);
    }
    // An element is dropped by the seeds from `after` places below it to `before` above it.
    for (let done: u64 = 0, step: u64 = 1; done < before; done += step, step = done + 1) {
      step = min(step, before - done);
      if (step < size) joinAbove(mask, at, block - step * inner, step * inner);
    }
    for (let done: u64 = 0, step: u64 = 1; done < after; done += step, step = done + 1) {
      step = min(step, after - done);
      if (step < size) joinBelow(mask, at + step * inner, block - step * inner, step * inner);
    }
  }
}

/** 64 bits of a mask from `bit` on, at most 63 of them in front of it. */
// @ts-ignore: decorator
@inline
function bitsFrom(mask: usize, bit: i64): u64 {
  const at = mask + <usize>(bit >> 3);
  const shift = <u64>bit & 7;
  // In two steps: a shift by 64 is one by 0.
  return (load<u64>(at) >> shift) | (((<u64>load<u8>(at, 8)) << 1) << (63 - shift));
}

/** The bits of the word from bit `word` on that lie in [from, end), which it meets. */
// @ts-ignore: decorator
@inline
function within(word: u64, from: u64, end: u64): u64 {
  const low = from > word ? ONES << (from - word) : ONES;
  return end < word + WORD ? low & (((<u64>1) << (end - word)) - 1) : low;
}

/** Drops each of `count` elements from `from` on whose neighbour `shift` places above is dropped. */
function joinAbove(mask: usize, from: u64, count: u64, shift: u64): void {
  const end = from + count;
  // Upwards: what is read has not been written yet.
  for (let word = from & ~(WORD - 1); word < end; word += WORD) {
    const at = mask + <usize>(word >> 3);
    store<u64>(at, load<u64>(at) & (bitsFrom(mask, word + shift) | ~within(word, from, end)));
  }
}

/** Drops each of `count` elements from `from` on whose neighbour `shift` places below is dropped. */
function joinBelow(mask: usize, from: u64, count: u64, shift: u64): void {
  const end = from + count;
  const first = from & ~(WORD - 1);
  // Downwards: what is read has not been written yet.
  for (let word = (end - 1) & ~(WORD - 1); ; word -= WORD) {
    const at = mask + <usize>(word >> 3);
    store<u64>(at, load<u64>(at) & (bitsFrom(mask, <i64>word - <i64>shift) | ~within(word, from, end)));
    if (word == first) break;
  }
}

function keepAll(mask: usize, from: u64, count: u64): void {
  const end = from + count;
  for (let word = from & ~(WORD - 1); word < end; word += WORD) {
    const at = mask + <usize>(word >> 3);
    store<u64>(at, load<u64>(at) | within(word, from, end));
  }
}

/**
 * Drops in `dst`, of samples x size x channels bits, the dropped elements of `src`, of samples x channels x size bits. What `dst` drops already
 * stays dropped.
 */
export function interleave(dst: usize, src: usize, samples: u64, channels: u64, size: u64): void {
  let from: u64 = 0;
  for (let base: u64 = 0; samples > 0; --samples, base += channels * size) {
    for (let channel: u64 = 0; channel < channels; ++channel, from += size) {
      const end = from + size;
      const row = base + channel;
      for (let word = from & ~(WORD - 1); word < end; word += WORD) {
        let dropped = ~load<u64>(src + <usize>(word >> 3)) & within(word, from, end);
        for (; dropped; dropped &= dropped - 1) {
          const bit = row + (word + ctz(dropped) - from) * channels;
          const at = dst + <usize>(bit >> 3);
          store<u8>(at, load<u8>(at) & ~((<u8>1) << (<u8>bit & 7)));
        }
      }
    }
  }
}

// Words at any address, as in masks, which begin at any byte. The accesses are marked: JavaScript that is made of a module has words at multiples of their
// size only, and puts others together.

// @ts-ignore: decorator
@inline
export function readWord(at: usize): u64 {
  return load<u64>(at, 0, 1);
}

// @ts-ignore: decorator
@inline
export function writeWord(at: usize, word: u64): void {
  store<u64>(at, word, 0, 1);
}

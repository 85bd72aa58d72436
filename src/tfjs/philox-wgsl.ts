// The generator of kind "philox" in WGSL, as docs/ports/keep-streams.wgsl has it: a test compares the two.

/** Philox4x32 (Salmon et al., SC11): fn philox(counter: vec4u, key: vec2u, rounds: u32) -> vec4u. */
export const PHILOX_WGSL = `// The high word of the 64-bit product, from halves of 16 bits.
fn multiply_high(x: u32, y: u32) -> u32 {
  let low = (x & 0xffffu) * (y & 0xffffu);
  let first = (x >> 16u) * (y & 0xffffu) + (low >> 16u);
  let second = (x & 0xffffu) * (y >> 16u) + (first & 0xffffu);
  return (x >> 16u) * (y >> 16u) + (first >> 16u) + (second >> 16u);
}

// Philox4x32 (Salmon et al., SC11).
fn philox(counter: vec4u, key: vec2u, rounds: u32) -> vec4u {
  var x = counter;
  var k = key;
  for (var round = 0u; round < rounds; round++) {
    x = vec4u(
      multiply_high(0xcd9e8d57u, x.z) ^ x.y ^ k.x,
      0xcd9e8d57u * x.z,
      multiply_high(0xd2511f53u, x.x) ^ x.w ^ k.y,
      0xd2511f53u * x.x,
    );
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return x;
}
`;

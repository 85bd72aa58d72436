// Keep streams of wasm-dropout, version 1, in WGSL: the definition is keep-streams.md.
// Entry points `philox_mask` and `tile_mask` write the bit mask of elements start to start + count - 1, element k at bit k % 32 of word k / 32,
// 1 = kept. The host fills `draw` and zeroes `mask`, of ceil(count / 32) words, and dispatches ceil(threads / 64) workgroups:
//   philox_mask   threads = ceil(count / 32)
//   tile_mask     threads = floor((start + count - 1) / 4096) - floor(start / 4096) + 1
// WGSL has words of 32 bits only: a vec2u is a 64-bit integer, low word first. `count` is below 2^31.

struct Draw {
  seed: vec2u,
  stream: vec2u,
  start: vec2u,
  // T: p times 2^48 ("tile") or 2^32 ("philox") to the nearest integer, halves up.
  threshold: vec2u,
  count: u32,
}

@group(0) @binding(0) var<uniform> draw: Draw;
@group(0) @binding(1) var<storage, read_write> mask: array<atomic<u32>>;

// The high word of the 64-bit product, from halves of 16 bits.
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

fn rotl(x: vec4u, k: u32) -> vec4u {
  return (x << vec4u(k)) | (x >> vec4u(32u - k));
}

// Four xoshiro128 generators (Blackman, Vigna, ACM TOMS 47, 2021), one in each component.
struct Lanes {
  s0: vec4u,
  s1: vec4u,
  s2: vec4u,
  s3: vec4u,
}

fn plus_plus(s: Lanes) -> vec4u {
  return rotl(s.s0 + s.s3, 7u) + s.s0;
}

fn star_star(s: Lanes) -> vec4u {
  return rotl(s.s1 * 5u, 7u) * 9u;
}

fn advance(s: Lanes) -> Lanes {
  return Lanes(s.s0 ^ s.s1 ^ s.s3, s.s0 ^ s.s1 ^ s.s2, s.s0 ^ s.s2 ^ (s.s1 << vec4u(9u)), rotl(s.s1 ^ s.s3, 11u));
}

fn add(x: vec2u, y: u32) -> vec2u {
  let low = x.x + y;
  return vec2u(low, x.y + select(0u, 1u, low < y));
}

// keep(i) of kind "philox".
fn philox_keep(i: vec2u) -> bool {
  let words = philox(vec4u(draw.stream, i.x & ~3u, i.y), draw.seed, 10u);
  return draw.threshold.y == 0u && words[i.x & 3u] >= draw.threshold.x;
}

@compute @workgroup_size(64)
fn philox_mask(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= (draw.count + 31u) / 32u) {
    return;
  }
  var word = 0u;
  for (var bit = 0u; bit < min(32u, draw.count - 32u * id.x); bit++) {
    word |= select(0u, 1u << bit, philox_keep(add(draw.start, 32u * id.x + bit)));
  }
  atomicStore(&mask[id.x], word);
}

// keep(i) of kind "tile", a and b being the element's bytes of A and B; the low word P is computed only where they tie.
fn tile_keep(i: vec2u, a: u32, b: u32) -> bool {
  let high = (a << 8u) | b;
  if (high != draw.threshold.y) {
    return high > draw.threshold.y;
  }
  return philox(vec4u(i.x, i.y | 0x80000000u, draw.stream), draw.seed, 10u).x >= draw.threshold.x;
}

@compute @workgroup_size(64)
fn tile_mask(@builtin(global_invocation_id) id: vec3u) {
  let skip = draw.start.x & 4095u;
  // Elements of the tile that lie in front of the mask, and behind its last.
  let begin = select(0u, skip, id.x == 0u);
  if (4096u * id.x >= skip + draw.count) {
    return;
  }
  let end = min(4096u, skip + draw.count - 4096u * id.x);
  let first = add(vec2u(draw.start.x - skip, draw.start.y), 4096u * id.x);
  var lanes: Lanes;
  for (var lane = 0u; lane < 4u; lane++) {
    // n = 4 floor(i / 4096) + lane
    let n = vec2u((first.x >> 10u) | (first.y << 22u) | lane, first.y >> 10u);
    let state = philox(vec4u(n, draw.stream), draw.seed, 10u);
    lanes.s0[lane] = state.x;
    lanes.s1[lane] = state.y;
    lanes.s2[lane] = state.z;
    lanes.s3[lane] = state.w;
  }
  for (var step = 0u; 16u * step < end; step++) {
    let a = plus_plus(lanes);
    let b = star_star(lanes);
    lanes = advance(lanes);
    for (var j = 16u * step; j < 16u * step + 16u; j++) {
      let lane = (j >> 2u) & 3u;
      let shift = 8u * (j & 3u);
      if (j >= begin && j < end && tile_keep(add(first, j), (a[lane] >> shift) & 255u, (b[lane] >> shift) & 255u)) {
        // Words at the ends of a tile are shared with the threads of its neighbours.
        let k = 4096u * id.x + j - skip;
        atomicOr(&mask[k >> 5u], 1u << (k & 31u));
      }
    }
  }
}

// Dropout of f32 by the keep stream of kind "tile" (docs/keep-streams.md), by hand with SSE4.1: what the wasm build, of the same width, is
// held against. Sources: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11 (Philox); Blackman, Vigna,
// "Scrambled linear pseudorandom number generators", ACM TOMS 47, 2021 (xoshiro128).

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <smmintrin.h>

namespace tile {

/** Elements that one step of the generators decides, and that one seeding serves. */
constexpr std::int64_t STEP = 16;
constexpr std::int64_t TILE = 4096;

/** Which mask: the threshold T and the scale that belongs to it are the caller's to compute. */
struct Draw {
  std::uint64_t seed;
  std::uint64_t stream;
  std::uint64_t threshold;
  float scale;
  /** Index of the first element. */
  std::uint64_t start;
};

/** The states of the four lanes' generators, word by word. */
struct Lanes {
  __m128i s0, s1, s2, s3;
};

template <int K>
inline __m128i rotl(__m128i x) {
  return _mm_or_si128(_mm_slli_epi32(x, K), _mm_srli_epi32(x, 32 - K));
}

inline __m128i plus_plus(const Lanes& lanes) {
  return _mm_add_epi32(rotl<7>(_mm_add_epi32(lanes.s0, lanes.s3)), lanes.s0);
}

inline void advance(Lanes& lanes) {
  const __m128i x = _mm_slli_epi32(lanes.s1, 9);
  lanes.s2 = _mm_xor_si128(lanes.s2, lanes.s0);
  lanes.s3 = _mm_xor_si128(lanes.s3, lanes.s1);
  lanes.s1 = _mm_xor_si128(lanes.s1, lanes.s2);
  lanes.s0 = _mm_xor_si128(lanes.s0, lanes.s3);
  lanes.s2 = _mm_xor_si128(lanes.s2, x);
  lanes.s3 = rotl<11>(lanes.s3);
}

inline __m128i splat(std::uint64_t word) { return _mm_set1_epi32(static_cast<int>(static_cast<std::uint32_t>(word))); }

/** The products of four words with m: low halves in `low`, high ones are returned. */
inline __m128i multiply_wide(__m128i x, __m128i m, __m128i& low) {
  const __m128i even = _mm_mul_epu32(x, m);
  const __m128i odd = _mm_mul_epu32(_mm_srli_epi64(x, 32), m);
  low = _mm_blend_epi16(even, _mm_slli_epi64(odd, 32), 0xcc);
  return _mm_blend_epi16(_mm_srli_epi64(even, 32), odd, 0xcc);
}

/** Philox4x32-10 of four counters at once, all with words c2 and c3 of the stream and the key of the seed. */
inline Lanes philox(__m128i x0, __m128i x1, const Draw& draw) {
  const __m128i m0 = splat(0xd2511f53);
  const __m128i m1 = splat(0xcd9e8d57);
  __m128i x2 = splat(draw.stream);
  __m128i x3 = splat(draw.stream >> 32);
  __m128i k0 = splat(draw.seed);
  __m128i k1 = splat(draw.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    __m128i low_a, low_b;
    const __m128i high_a = multiply_wide(x0, m0, low_a);
    const __m128i high_b = multiply_wide(x2, m1, low_b);
    x0 = _mm_xor_si128(_mm_xor_si128(high_b, x1), k0);
    x1 = low_b;
    x2 = _mm_xor_si128(_mm_xor_si128(high_a, x3), k1);
    x3 = low_a;
    k0 = _mm_add_epi32(k0, splat(0x9e3779b9));
    k1 = _mm_add_epi32(k1, splat(0xbb67ae85));
  }
  return {x0, x1, x2, x3};
}

inline Lanes seed_lanes(const Draw& draw, std::uint64_t tile) {
  const std::uint64_t n = tile << 2;
  return philox(_mm_or_si128(splat(n), _mm_set_epi32(3, 2, 1, 0)), splat(n >> 32), draw);
}

/** The lowest 32 bits of the random integer of element i. */
inline std::uint32_t last_word(const Draw& draw, std::uint64_t i) {
  return static_cast<std::uint32_t>(_mm_cvtsi128_si32(philox(splat(i), splat(i >> 32 | 0x80000000), draw).s0));
}

inline __m128i at_least(__m128i a, __m128i b) { return _mm_cmpeq_epi8(_mm_max_epu8(a, b), a); }

/** Four elements, of which `keep` has bytes FROM to FROM + 3. */
template <char FROM>
inline void quad(float* dst, const float* src, __m128i keep, __m128 factor) {
  constexpr char A = FROM, B = FROM + 1, C = FROM + 2, D = FROM + 3;
  const __m128i wide = _mm_shuffle_epi8(keep, _mm_setr_epi8(A, A, A, A, B, B, B, B, C, C, C, C, D, D, D, D));
  _mm_storeu_ps(dst + FROM, _mm_and_ps(_mm_mul_ps(_mm_loadu_ps(src + FROM), factor), _mm_castsi128_ps(wide)));
}

/** Steps with ties, to be settled later. */
struct Tied {
  /** Offset of the first element. */
  std::uint32_t i;
  /** A bit for each element whose first byte equals T's. */
  std::uint64_t ties;
};

/** Drops the tied elements that their lower 40 bits put below T: `start` is the index of dst[0], `s1` has a word for four elements. */
inline void settle(float* dst, const Draw& draw, std::uint64_t start, const std::uint32_t* s1, const Tied* note, const Tied* end) {
  const std::uint32_t second = draw.threshold >> 32 & 0xff;
  for (; note < end; ++note) {
    std::uint64_t ties = note->ties;
    do {
      const std::uint32_t i = note->i + static_cast<std::uint32_t>(__builtin_ctzll(ties));
      const std::uint32_t m = s1[i / 4] * 5;
      const std::uint32_t b = ((m << 7 | m >> 25) * 9) >> 8 * (i % 4) & 0xff;
      std::uint32_t keep = b >= second;
      if (b == second) keep = last_word(draw, start + i) >= static_cast<std::uint32_t>(draw.threshold);
      // Without a branch on the outcome, which is as hard to predict as T's second byte makes it.
      std::uint32_t value;
      std::memcpy(&value, dst + i, sizeof value);
      value &= -keep;
      std::memcpy(dst + i, &value, sizeof value);
      ties &= ties - 1;
    } while (ties);
  }
}

/**
 * `count` elements, a multiple of STEP within one tile, from where the lanes are, which it moves on; `start` is the index of the first.
 * A branch on ties would be mispredicted. Instead a tied element is kept at first and a note made of every group of four steps, which the
 * next one overwrites unless there was a tie; dropping what had to go needs no input, so dst may be src. The input of the ** scrambler is
 * kept for all steps: that costs less than to find the place for it.
 */
inline void whole_steps(float* dst, const float* src, std::int64_t count, const Draw& draw, std::uint64_t start, Lanes& shared) {
  constexpr std::int64_t GROUP = 4 * STEP;
  alignas(16) std::uint32_t s1[TILE / 4];
  // At most three single steps follow the groups, and the place behind the last note is written too.
  Tied notes[TILE / GROUP + 4];
  Tied* note = notes;
  const __m128i first = _mm_set1_epi8(static_cast<char>(draw.threshold >> 40));
  const __m128 factor = _mm_set1_ps(draw.scale);
  Lanes lanes = shared;
  const auto step = [&](std::int64_t i) __attribute__((always_inline)) {
    const __m128i a = plus_plus(lanes);
    _mm_store_si128(reinterpret_cast<__m128i*>(s1 + i / 4), lanes.s1);
    const __m128i keep = at_least(a, first);
    quad<0>(dst + i, src + i, keep, factor);
    quad<4>(dst + i, src + i, keep, factor);
    quad<8>(dst + i, src + i, keep, factor);
    quad<12>(dst + i, src + i, keep, factor);
    advance(lanes);
    return static_cast<std::uint64_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, first)));
  };
  const auto take = [&](std::int64_t i, std::uint64_t ties) __attribute__((always_inline)) {
    *note = {static_cast<std::uint32_t>(i), ties};
    note += ties != 0;
  };
  std::int64_t i = 0;
  for (; i + GROUP <= count; i += GROUP) {
    std::uint64_t ties = step(i);
    ties |= step(i + STEP) << 16;
    ties |= step(i + 2 * STEP) << 32;
    ties |= step(i + 3 * STEP) << 48;
    take(i, ties);
  }
  for (; i < count; i += STEP) take(i, step(i));
  shared = lanes;
  settle(dst, draw, start, s1, notes, note);
}

/** Elements from..to-1 of the step of which src and dst hold nothing else, through a step's worth of room. */
inline void partial_step(float* dst, const float* src, std::int64_t from, std::int64_t to, const Draw& draw, std::uint64_t start, Lanes& lanes) {
  float room[STEP] = {};
  const std::size_t bytes = (to - from) * sizeof(float);
  std::memcpy(room + from, src, bytes);
  whole_steps(room, room, STEP, draw, start, lanes);
  std::memcpy(dst, room + from, bytes);
}

/** y = keep ? x * scale : +0 for n elements; dst may be src. */
inline void dropout(float* dst, const float* src, std::int64_t n, const Draw& draw) {
  if (draw.threshold == 0) {
    std::memmove(dst, src, n * sizeof(float));
    return;
  }
  if (draw.threshold == std::uint64_t{1} << 48) {
    std::memset(dst, 0, n * sizeof(float));
    return;
  }
  for (std::int64_t i = 0; i < n;) {
    const std::uint64_t index = draw.start + i;
    const std::int64_t within = index % TILE;
    const std::int64_t end = std::min(n, i + TILE - within);
    Lanes lanes = seed_lanes(draw, index / TILE);
    for (std::int64_t step = within / STEP; step > 0; --step) advance(lanes);
    if (const std::int64_t from = within % STEP) {
      const std::int64_t count = std::min(STEP - from, end - i);
      partial_step(dst + i, src + i, from, from + count, draw, index - from, lanes);
      i += count;
    }
    if (const std::int64_t count = (end - i) / STEP * STEP) {
      whole_steps(dst + i, src + i, count, draw, draw.start + i, lanes);
      i += count;
    }
    if (i < end) {
      partial_step(dst + i, src + i, 0, end - i, draw, draw.start + i, lanes);
      i = end;
    }
  }
}

}  // namespace tile

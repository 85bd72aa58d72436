/* Keep streams of wasm-dropout, version 1, in C99 without dependencies: the definition is keep-streams.md.
 *
 *     uint8_t bits[32];
 *     int refused = keep_mask(KEEP_TILE, 42, 0, 0.1, 0, 256, bits);    // bit i % 8 of byte i / 8 is 1 where element i is kept
 *
 * keep_mask() returns 0, or -1 for arguments out of range; then it has written nothing. */

#include <stdint.h>

typedef enum { KEEP_TILE, KEEP_PHILOX } keep_kind;

/* Philox4x32 (Salmon et al., SC11) of a counter of four words and a key of two. */
void keep_philox(const uint32_t counter[4], const uint32_t key[2], int rounds, uint32_t out[4]) {
  uint32_t x0 = counter[0], x1 = counter[1], x2 = counter[2], x3 = counter[3];
  uint32_t k0 = key[0], k1 = key[1];
  for (int round = 0; round < rounds; ++round) {
    const uint64_t a = (uint64_t)0xd2511f53u * x0;
    const uint64_t b = (uint64_t)0xcd9e8d57u * x2;
    x0 = (uint32_t)(b >> 32) ^ x1 ^ k0;
    x1 = (uint32_t)b;
    x2 = (uint32_t)(a >> 32) ^ x3 ^ k1;
    x3 = (uint32_t)a;
    k0 += 0x9e3779b9u;
    k1 += 0xbb67ae85u;
  }
  out[0] = x0, out[1] = x1, out[2] = x2, out[3] = x3;
}

static uint32_t rotl(uint32_t x, int k) { return (x << k) | (x >> (32 - k)); }

/* The ++ and the ** word of a state of xoshiro128 (Blackman, Vigna, ACM TOMS 47, 2021). */
uint32_t keep_plus_plus(const uint32_t s[4]) { return rotl(s[0] + s[3], 7) + s[0]; }
uint32_t keep_star_star(const uint32_t s[4]) { return rotl(s[1] * 5u, 7) * 9u; }

/* Replaces a state of xoshiro128 by the next. */
void keep_advance(uint32_t s[4]) {
  const uint32_t s0 = s[0], s1 = s[1], s2 = s[2], s3 = s[3];
  s[0] = s0 ^ s1 ^ s3;
  s[1] = s0 ^ s1 ^ s2;
  s[2] = s0 ^ s2 ^ (s1 << 9);
  s[3] = rotl(s1 ^ s3, 11);
}

/* T of a drop probability in [0, 1]: p times 2^48 or 2^32 to the nearest integer, halves up. The product is exact and positive. */
uint64_t keep_threshold(keep_kind kind, double p) {
  const double product = p * (kind == KEEP_TILE ? 281474976710656.0 : 4294967296.0);
  const uint64_t whole = (uint64_t)product;
  return whole + (product - (double)whole >= 0.5);
}

static void philox_mask(const uint32_t key[2], const uint32_t stream[2], uint64_t t, uint64_t start, uint64_t count, uint8_t *bits) {
  uint32_t words[4];
  for (uint64_t k = 0; k < count; ++k) {
    const uint64_t i = start + k;
    if (k == 0 || i % 4 == 0) {
      const uint32_t counter[4] = {stream[0], stream[1], (uint32_t)(i & ~(uint64_t)3), (uint32_t)(i >> 32)};
      keep_philox(counter, key, 10, words);
    }
    if (words[i % 4] >= t) bits[k / 8] |= (uint8_t)(1u << (k % 8));
  }
}

/* Decides element i, whose bytes of A and B are known; the low word P is computed only where they tie. */
static int tile_keep(const uint32_t key[2], const uint32_t stream[2], uint64_t t, uint64_t i, uint32_t a, uint32_t b) {
  const uint64_t high = a << 8 | b;
  if (high != t >> 32) return high > t >> 32;
  const uint32_t counter[4] = {(uint32_t)i, (uint32_t)(i >> 32) | 0x80000000u, stream[0], stream[1]};
  uint32_t words[4];
  keep_philox(counter, key, 10, words);
  return words[0] >= (uint32_t)t;
}

static void tile_mask(const uint32_t key[2], const uint32_t stream[2], uint64_t t, uint64_t start, uint64_t count, uint8_t *bits) {
  const uint64_t end = start + count;
  for (uint64_t tile = start / 4096; tile * 4096 < end; ++tile) {
    for (uint32_t lane = 0; lane < 4; ++lane) {
      const uint64_t n = 4 * tile + lane;
      const uint32_t counter[4] = {(uint32_t)n, (uint32_t)(n >> 32), stream[0], stream[1]};
      uint32_t state[4];
      keep_philox(counter, key, 10, state);
      for (uint32_t step = 0; step < 256; ++step, keep_advance(state)) {
        const uint32_t a = keep_plus_plus(state), b = keep_star_star(state);
        for (uint32_t byte = 0; byte < 4; ++byte) {
          const uint64_t i = 4096 * tile + 16 * step + 4 * lane + byte;
          if (i < start || i >= end) continue;
          const int kept = tile_keep(key, stream, t, i, a >> 8 * byte & 255, b >> 8 * byte & 255);
          bits[(i - start) / 8] |= (uint8_t)(kept << ((i - start) % 8));
        }
      }
    }
  }
}

/* Writes the bit mask of elements start to start + count - 1 at drop probability p: (count + 7) / 8 bytes, bits behind the last element 0. */
int keep_mask(keep_kind kind, uint64_t seed, uint64_t stream, double p, uint64_t start, uint64_t count, uint8_t *bits) {
  const uint64_t most = (uint64_t)1 << 53;
  if ((kind != KEEP_TILE && kind != KEEP_PHILOX) || !(p >= 0 && p <= 1) || start > most || count > most - start) return -1;
  const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
  const uint32_t words[2] = {(uint32_t)stream, (uint32_t)(stream >> 32)};
  for (uint64_t byte = 0; byte < (count + 7) / 8; ++byte) bits[byte] = 0;
  (kind == KEEP_TILE ? tile_mask : philox_mask)(key, words, keep_threshold(kind, p), start, count, bits);
  return 0;
}

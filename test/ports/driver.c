/* Answers the questions of ports.test.ts with the port in C: a line in, a line out. */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "keep_streams.c"

static void print_words(const uint32_t *words, int count) {
  for (int k = 0; k < count; ++k) printf("%s%08" PRIx32, k ? " " : "", words[k]);
  printf("\n");
}

static int answer_mask(void) {
  char kind[16];
  uint64_t seed, stream, start, count;
  double p;
  if (scanf("%15s %" SCNu64 " %" SCNu64 " %lf %" SCNu64 " %" SCNu64, kind, &seed, &stream, &p, &start, &count) != 6) return 1;
  const uint64_t bytes = (count + 7) / 8;
  uint8_t *bits = malloc((size_t)(bytes < 1u << 24 ? bytes : 0) + 1);
  if (!bits) return 1;
  const keep_kind known = strcmp(kind, "tile") == 0 ? KEEP_TILE : strcmp(kind, "philox") == 0 ? KEEP_PHILOX : (keep_kind)2;
  memset(bits, 0xa5, (size_t)(bytes < 1u << 24 ? bytes : 0) + 1);
  if (keep_mask(known, seed, stream, p, start, count, bits)) {
    printf(bits[0] == 0xa5 ? "refused\n" : "refused after writing\n");
  } else {
    if (bits[bytes] != 0xa5) return 1;
    for (uint64_t byte = 0; byte < bytes; ++byte) printf("%02x", bits[byte]);
    printf("\n");
  }
  free(bits);
  return 0;
}

int main(void) {
  char question[16];
  while (scanf("%15s", question) == 1) {
    uint32_t words[10];
    if (strcmp(question, "mask") == 0) {
      if (answer_mask()) return 1;
    } else if (strcmp(question, "philox") == 0) {
      int rounds;
      if (scanf("%d", &rounds) != 1) return 1;
      for (int k = 0; k < 6; ++k) if (scanf("%" SCNx32, &words[k]) != 1) return 1;
      uint32_t out[4];
      keep_philox(words, words + 4, rounds, out);
      print_words(out, 4);
    } else if (strcmp(question, "xoshiro") == 0) {
      uint32_t state[4];
      for (int k = 0; k < 4; ++k) if (scanf("%" SCNu32, &state[k]) != 1) return 1;
      int steps;
      if (scanf("%d", &steps) != 1 || steps > 5) return 1;
      for (int k = 0; k < steps; ++k, keep_advance(state)) {
        words[2 * k] = keep_plus_plus(state);
        words[2 * k + 1] = keep_star_star(state);
      }
      print_words(words, 2 * steps);
    } else {
      return 1;
    }
  }
  return 0;
}

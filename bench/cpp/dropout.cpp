// The C++ yardstick. Threshold and scale come from src/probability.ts by way of the command line, so that they are computed in one place.
//
//   dropout check SEED STREAM THRESHOLD SCALE START   reads f32 data; writes its dropout, out of place
//                                                     and then in place, each with 16 sevens on both sides of it
//   dropout measure SIZE THRESHOLD SCALE PLAN...      prints the times of calls over SIZE elements, a multiple of 16

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "rounds.hpp"
#include "tile.hpp"

namespace {

std::uint64_t integer(const char* text) { return std::strtoull(text, nullptr, 10); }

/** Elements in front of and behind an output that nobody may write to, and what they hold. */
constexpr std::size_t GUARD = 16;
constexpr float UNTOUCHED = 7;

/** Writes the dropout of `room` but for its guards, from x or, without one, in place. */
void write_dropout(std::vector<float> room, const float* x, const tile::Draw& draw) {
  float* const y = room.data() + GUARD;
  tile::dropout(y, x == nullptr ? y : x, static_cast<std::int64_t>(room.size() - 2 * GUARD), draw);
  std::fwrite(room.data(), sizeof(float), room.size(), stdout);
}

int check(char** args) {
  const tile::Draw draw{integer(args[0]), integer(args[1]), integer(args[2]), std::strtof(args[3], nullptr), integer(args[4])};
  std::vector<float> x;
  float piece[4096];
  while (const std::size_t count = std::fread(piece, sizeof(float), 4096, stdin)) x.insert(x.end(), piece, piece + count);
  std::vector<float> room(GUARD + x.size() + GUARD, UNTOUCHED);
  write_dropout(room, x.data(), draw);
  std::copy(x.begin(), x.end(), room.begin() + GUARD);
  write_dropout(room, nullptr, draw);
  return 0;
}

/** The least that a pass over f32 data costs: a step of the kernel with no mask to make. */
void multiply(float* dst, const float* src, std::int64_t n, float scale) {
  const __m128 factor = _mm_set1_ps(scale);
  for (std::int64_t i = 0; i < n; i += tile::STEP) {
    for (int j = 0; j < tile::STEP; j += 4) _mm_storeu_ps(dst + i + j, _mm_mul_ps(_mm_loadu_ps(src + i + j), factor));
  }
}

int measure(char** args) {
  const std::int64_t n = integer(args[0]);
  // Aligned as wasm-dropout's allocator aligns.
  const std::size_t bytes = n * sizeof(float);
  float* const src = static_cast<float*>(std::aligned_alloc(64, bytes));
  float* const dst = static_cast<float*>(std::aligned_alloc(64, bytes));
  if (src == nullptr || dst == nullptr) {
    std::fprintf(stderr, "no memory for %lld elements\n", static_cast<long long>(n));
    return 1;
  }
  std::fill(src, src + n, 1.0f);
  std::fill(dst, dst + n, 1.0f);
  tile::Draw draw{0, 0, integer(args[1]), std::strtof(args[2], nullptr), 0};
  const std::string copy = "c++ memcpy f32";
  const std::int64_t moved = 2 * static_cast<std::int64_t>(bytes);
  // Each call has a stream of its own: a branch predictor learns a mask that comes again.
  const auto draw_from = [&](const float* from) {
    ++draw.stream;
    tile::dropout(dst, from, n, draw);
  };
  rounds::print(__VERSION__,
                {
                    {copy, copy, moved, [&] { std::memcpy(dst, src, bytes); }},
                    {"c++ sse4.1 multiply f32", copy, moved, [&] { multiply(dst, src, n, draw.scale); }},
                    {"c++ sse4.1 tile f32", copy, moved, [&] { draw_from(src); }},
                    {"c++ sse4.1 tile f32 in place", copy, moved, [&] { draw_from(dst); }},
                },
                rounds::read_plan(args + 3));
  std::free(src);
  std::free(dst);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  if (mode == "check" && argc == 7) return check(argv + 2);
  if (mode == "measure" && argc == 10) return measure(argv + 2);
  std::fprintf(stderr, "usage: dropout check SEED STREAM THRESHOLD SCALE START | dropout measure SIZE THRESHOLD SCALE PLAN...\n");
  return 2;
}

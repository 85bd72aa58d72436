// Times subjects in rounds as bench/measure.ts does, and writes what they took as program.ts reads it: rounds.py in C++.

#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

namespace rounds {

/** How to measure: bench/measure.ts says what these are and why. */
struct Plan {
  std::size_t rounds;
  double warmup_ms;
  double invocation_ms;
  double task_ms;
  std::size_t least_invocations;
};

/** Reads the five fields of a plan from the command line. */
inline Plan read_plan(char** args) {
  return {std::strtoull(args[0], nullptr, 10), std::strtod(args[1], nullptr), std::strtod(args[2], nullptr), std::strtod(args[3], nullptr),
          std::strtoull(args[4], nullptr, 10)};
}

/** One thing to measure. */
struct Subject {
  std::string name;
  /** Name of the copy that it is compared with. */
  std::string copy;
  /** Bytes that a call reads and writes. */
  std::int64_t bytes;
  std::function<void()> call;
};

/** Milliseconds that `count` calls take. */
inline double time_of(const std::function<void()>& call, std::int64_t count) {
  const auto start = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < count; ++i) call();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

/** Touches all that `call` touches; returns how many calls last as long as an invocation should. */
inline std::int64_t warm_up(const std::function<void()>& call, const Plan& plan) {
  for (std::int64_t count = 1;; count *= 2) {
    const double elapsed = time_of(call, count);
    if (elapsed >= plan.warmup_ms) return static_cast<std::int64_t>(std::ceil(count * plan.invocation_ms / elapsed));
  }
}

/** The median time of an invocation of `count` calls, of as many as fit in a task. */
inline double median_invocation(const std::function<void()>& call, std::int64_t count, const Plan& plan) {
  std::vector<double> times;
  for (double sum = 0; sum < plan.task_ms || times.size() < plan.least_invocations; sum += times.back()) times.push_back(time_of(call, count));
  std::sort(times.begin(), times.end());
  const std::size_t half = times.size() / 2;
  return times.size() % 2 ? times[half] : (times[half - 1] + times[half]) / 2;
}

/** Measures `subjects` and prints them with the milliseconds of a call in each round. */
inline void print(const std::string& version, const std::vector<Subject>& subjects, const Plan& plan) {
  std::vector<std::int64_t> counts;
  for (const Subject& subject : subjects) counts.push_back(warm_up(subject.call, plan));
  std::vector<std::vector<double>> times(subjects.size());
  for (std::size_t round = 0; round < plan.rounds; ++round) {
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      times[i].push_back(median_invocation(subjects[i].call, counts[i], plan) / counts[i]);
    }
  }
  std::printf("{\"version\": \"%s\", \"build\": \"\", \"subjects\": [", version.c_str());
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const Subject& subject = subjects[i];
    std::printf("%s\n{\"name\": \"%s\", \"copy\": \"%s\", \"bytes\": %lld, \"times\": [", i ? "," : "", subject.name.c_str(),
                subject.copy.c_str(), static_cast<long long>(subject.bytes));
    for (std::size_t round = 0; round < times[i].size(); ++round) std::printf("%s%.9g", round ? ", " : "", times[i][round]);
    std::printf("]}");
  }
  std::printf("\n]}\n");
}

}  // namespace rounds

"""Times subjects in rounds as bench/measure.ts does, and writes what they took as bench/cpp/program.ts reads it: rounds.hpp in Python."""

import json
import math
import sys
import time
from statistics import median
from typing import NamedTuple


class Plan(NamedTuple):
    """How to measure: bench/measure.ts says what these are and why."""

    rounds: int
    warmup_ms: float
    invocation_ms: float
    task_ms: float
    least_invocations: int


def arguments():
    """The command line: SIZE P, then the fields of a plan."""
    size, p, rounds, warmup_ms, invocation_ms, task_ms, least_invocations = sys.argv[1:]
    return int(size), float(p), Plan(int(rounds), float(warmup_ms), float(invocation_ms), float(task_ms), int(least_invocations))


def time_of(call, count):
    """Milliseconds that `count` calls take."""
    start = time.perf_counter_ns()
    for _ in range(count):
        call()
    return (time.perf_counter_ns() - start) / 1e6


def warm_up(call, plan):
    """Touches all that `call` touches; returns how many calls last as long as an invocation should."""
    count = 1
    while True:
        elapsed = time_of(call, count)
        if elapsed >= plan.warmup_ms:
            return math.ceil(count * plan.invocation_ms / elapsed)
        count *= 2


def median_invocation(call, count, plan):
    """The median time of an invocation of `count` calls, of as many as fit in a task."""
    times = []
    while sum(times) < plan.task_ms or len(times) < plan.least_invocations:
        times.append(time_of(call, count))
    return median(times)


def measure(version, build, subjects, plan):
    """Measures subjects, given as (name, name of the copy, bytes that a call reads and writes, call), and prints them with the
    milliseconds of a call in each round."""
    counts = [warm_up(call, plan) for *_, call in subjects]
    times = [[] for _ in subjects]
    for _ in range(plan.rounds):
        for (*_, call), count, taken in zip(subjects, counts, times):
            taken.append(median_invocation(call, count, plan) / count)
    found = [{"name": name, "copy": copy, "bytes": moved, "times": taken} for (name, copy, moved, _), taken in zip(subjects, times)]
    print(json.dumps({"version": version, "build": build, "subjects": found}))

"""Answers the questions of ports.test.ts with the port in NumPy: a line in, a line out."""

import sys

sys.path.insert(0, sys.argv[1])
import keep_streams as port  # noqa: E402
import normal_stream  # noqa: E402


def words(values):
    return " ".join(f"{int(value[0]):08x}" for value in values)


def answer(question, *rest):
    if question == "philox":
        rounds, *hexadecimal = rest
        counter_and_key = [int(word, 16) for word in hexadecimal]
        return words(port.philox(counter_and_key[:4], counter_and_key[4:], int(rounds)))
    if question == "xoshiro":
        state = [port.np.array([int(word)], dtype=port.np.uint64) for word in rest[:4]]
        outputs = []
        for _ in range(int(rest[4])):
            plus_plus, star_star, state = port.xoshiro(state)
            outputs += [plus_plus, star_star]
        return words(outputs)
    if question in ("normal", "uniform"):
        numbers = getattr(normal_stream, question)(*map(int, rest))
        return numbers.astype("<f4").tobytes().hex()
    kind, seed, stream, p, start, count = rest
    try:
        return port.pack(port.mask(kind, int(seed), int(stream), float(p), int(start), int(count))).tobytes().hex()
    except ValueError as error:
        return f"refused: {error}"


for line in sys.stdin:
    print(answer(*line.split()))

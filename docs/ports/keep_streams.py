"""Keep streams of wasm-dropout, version 1, in NumPy: the definition is keep-streams.md.

    mask("tile", seed=42, stream=0, p=0.1, start=0, count=256)    # 256 booleans, True = kept
    pack(mask(...))                                               # the bit mask, 8 elements a byte

Words are uint64 arrays with values below 2^32: a product of two words fits, and NumPy does not warn of sums.
"""

import math
import operator

import numpy as np

WORD = np.uint64(0xFFFFFFFF)
BITS = {"tile": 48, "philox": 32}


def _u(x):
    return np.uint64(x)


def philox(counter, key, rounds=10):
    """Returns the four words of Philox4x32 (Salmon et al., SC11) for a counter of four words or arrays of words, and a key of two words."""
    x0, x1, x2, x3 = (np.atleast_1d(np.asarray(word, dtype=np.uint64)) for word in counter)
    k0, k1 = (int(word) for word in key)
    for _ in range(rounds):
        a = x0 * _u(0xD2511F53)
        b = x2 * _u(0xCD9E8D57)
        x0, x1, x2, x3 = (b >> _u(32)) ^ x1 ^ _u(k0), b & WORD, (a >> _u(32)) ^ x3 ^ _u(k1), a & WORD
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return x0, x1, x2, x3


def _rotl(x, k):
    return ((x << _u(k)) | (x >> _u(32 - k))) & WORD


def xoshiro(state):
    """Returns the ++ word, the ** word and the next state of xoshiro128 (Blackman, Vigna, ACM TOMS 47, 2021)."""
    s0, s1, s2, s3 = state
    plus_plus = (_rotl((s0 + s3) & WORD, 7) + s0) & WORD
    star_star = (_rotl((s1 * _u(5)) & WORD, 7) * _u(9)) & WORD
    following = s0 ^ s1 ^ s3, s0 ^ s1 ^ s2, s0 ^ s2 ^ ((s1 << _u(9)) & WORD), _rotl(s1 ^ s3, 11)
    return plus_plus, star_star, following


def threshold(kind, p):
    """Returns T of a drop probability p in [0, 1]: p times 2^48 ("tile") or 2^32 ("philox"), to the nearest integer, halves up."""
    product = float(p) * 2.0 ** BITS[kind]  # exact
    whole = math.floor(product)
    return whole + (product - whole >= 0.5)


def split(x):
    """Returns the low and the high word of a 64-bit integer."""
    return x & 0xFFFFFFFF, x >> 32


def _tile(seed, stream, t, start, count):
    """Returns keep of elements start..start+count-1 of kind "tile" for the threshold t."""
    s0, s1 = split(stream)
    first, last = start // 4096, (start + count - 1) // 4096
    # Axes of the random bytes: tile, step, lane, byte.
    n = np.arange(4 * first, 4 * (last + 1), dtype=np.uint64)
    state = philox((n & WORD, n >> _u(32), s0, s1), split(seed))
    high = np.empty((last - first + 1, 256, 4, 4), dtype=np.uint64)
    shifts = np.arange(0, 32, 8, dtype=np.uint64)
    for step in range(256):
        a, b, state = xoshiro(state)
        a_bytes, b_bytes = ((word.reshape(-1, 4, 1) >> shifts) & _u(0xFF) for word in (a, b))
        high[:, step] = (a_bytes << _u(8)) | b_bytes
    skip = start - 4096 * first
    high = high.reshape(-1)[skip : skip + count]
    kept = high >= _u(t >> 32)
    # The low word P decides where the 16 high bits tie.
    tied = np.flatnonzero(high == _u(t >> 32))
    i = tied.astype(np.uint64) + _u(start)
    low = philox((i & WORD, (i >> _u(32)) | _u(0x80000000), s0, s1), split(seed))[0]
    kept[tied] = low >= _u(t & 0xFFFFFFFF)
    return kept


def _philox(seed, stream, t, start, count):
    """Returns keep of elements start..start+count-1 of kind "philox" for the threshold t."""
    first = start - start % 4
    x = np.arange(first, start + count, 4, dtype=np.uint64)
    words = philox((*split(stream), x & WORD, x >> _u(32)), split(seed))
    return np.stack(words, axis=-1).reshape(-1)[start - first : start - first + count] >= _u(t)


def _integer(name, value, end):
    value = operator.index(value)
    if not 0 <= value < end:
        raise ValueError(f"{name} expected integer in [0, {end}), got {str(value)[:40]}")
    return value


def checked_range(seed, stream, start, count):
    """Returns the four as integers. Raises TypeError or ValueError unless seed and stream are in [0, 2^64), and start and start + count in [0, 2^53]."""
    seed, stream = _integer("seed", seed, 2**64), _integer("stream", stream, 2**64)
    start = _integer("start", start, 2**53 + 1)
    return seed, stream, start, _integer("count", count, 2**53 - start + 1)


def mask(kind, seed, stream, p, start, count):
    """Returns `count` booleans, True where element start + i is kept at drop probability p in [0, 1].

    kind is "tile" or "philox"; the others as in checked_range(). Raises TypeError or ValueError otherwise.
    """
    if kind not in BITS:
        raise ValueError(f'kind expected "tile" or "philox", got {kind!r:.40}')
    if not 0 <= p <= 1:
        raise ValueError(f"p expected number in [0, 1], got {p!r:.40}")
    seed, stream, start, count = checked_range(seed, stream, start, count)
    if count == 0:
        return np.zeros(0, dtype=bool)
    return {"tile": _tile, "philox": _philox}[kind](seed, stream, threshold(kind, p), start, count)


def pack(kept):
    """Returns the bit mask of booleans, least significant bit first, as uint8."""
    return np.packbits(kept, bitorder="little")

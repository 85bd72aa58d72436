"""The normal stream of wasm-dropout, version 1, in NumPy: the definition is normal-stream.md. Needs keep_streams.py beside it.

    normal(seed=42, stream=0, start=0, count=8)     # eight standard normal numbers, float32
    uniform(seed=42, stream=0, start=0, count=8)    # eight uniform numbers in [0, 1), float32

Every operation on float32 arrays is rounded once, as the definition asks.
"""

import numpy as np

from keep_streams import WORD, checked_range, philox, split

F = np.float32


def _of_bits(*hexadecimal):
    return np.array([int(bits, 16) for bits in hexadecimal], dtype=np.uint32).view(F)


LN2_HIGH, LN2_LOW = _of_bits("3f318000", "b95e8083")
LOG = _of_bits("3eaaaaaa", "be800113", "3e4cd00d", "be2a3940", "3e116cab", "be06c182", "3e02af1d", "bd9c6203")
RADIANS = _of_bits("30c90fdb")[0]
SIN = _of_bits("be2aaaa3", "3c08839e", "b94ca1f9")
COS = _of_bits("3d2aaaa5", "bab6061a", "37ccf5ce")


def _words(seed, stream, start, count):
    """Returns the words of the blocks that elements start..start+count-1 lie in, a row a block, and the place of the first element in them."""
    seed, stream, start, count = checked_range(seed, stream, start, count)
    first = start - start % 4
    x = np.arange(first, start + count, 4, dtype=np.uint64)
    words = philox((*split(stream), x & WORD, (x >> np.uint64(32)) | np.uint64(0x80000000)), split(seed))
    return np.stack(words, axis=-1).astype(np.uint32), start - first


def uniform(seed, stream, start, count):
    """Returns uniform numbers, multiples of 2^-24 in [0, 1): elements start..start+count-1."""
    words, skip = _words(seed, stream, start, count)
    return ((words >> np.uint32(8)).astype(F) * F(2**-24)).reshape(-1)[skip : skip + count]


def ln(v):
    """Returns ln v for v in [2^-33, 1]."""
    bits = v.view(np.int32)
    e = (bits - np.int32(0x3F3504F3)) >> np.int32(23)
    f = (bits - (e << np.int32(23))).view(F) - F(1)
    g = f * f
    c = LOG
    p = (((c[7] * f + c[6]) * g + (c[5] * f + c[4])) * g + (c[3] * f + c[2])) * g + (c[1] * f + c[0])
    e = e.astype(F)
    return e * LN2_HIGH + (f + ((e * LN2_LOW + (g * f) * p) - g * F(0.5)))


def turn(word):
    """Returns cos and sin of 2 pi word / 2^32."""
    h = word + np.uint32(2**29)  # modulo 2^32
    quarter = h >> np.uint32(30)
    a = ((h & np.uint32(2**30 - 1)).astype(np.int32) - np.int32(2**29)).astype(F) * RADIANS
    g = a * a
    k = g * g
    s = (g * a) * (SIN[2] * k + (SIN[1] * g + SIN[0])) + a
    c = k * (COS[2] * k + (COS[1] * g + COS[0])) + (F(1) - g * F(0.5))
    return np.choose(quarter, [c, -s, -c, s]), np.choose(quarter, [s, c, -s, -c])


def radius(word):
    """Returns sqrt(-2 ln v), v being the number in (0, 1] that a word stands for."""
    v = word.astype(F) * F(2**-32) + F(2**-33)
    return np.sqrt(F(-2) * ln(v))


def normal(seed, stream, start, count):
    """Returns standard normal numbers: elements start..start+count-1."""
    words, skip = _words(seed, stream, start, count)
    pairs = words.reshape(-1, 2)
    r = radius(pairs[:, 0].copy())
    cos, sin = turn(pairs[:, 1])
    return np.stack((r * cos, r * sin), axis=-1).reshape(-1)[skip : skip + count]

"""Dropout as one writes it in NumPy, beside NumPy's copy. NumPy makes new arrays for what it computes, which is part of the price."""

import numpy

from rounds import arguments, measure

size, p, plan = arguments()
rng = numpy.random.Generator(numpy.random.PCG64(1))
x = numpy.ones(size, dtype=numpy.float32)
y = numpy.ones(size, dtype=numpy.float32)
s = numpy.float32(1 / (1 - p))

COPY = "numpy copy f32"
moved = 2 * x.nbytes
measure(
    numpy.__version__,
    "",
    [
        (COPY, COPY, moved, lambda: numpy.copyto(y, x)),
        ("numpy dropout f32", COPY, moved, lambda: x * (rng.random(size, dtype=numpy.float32) >= p) * s),
    ],
    plan,
)

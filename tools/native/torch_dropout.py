"""PyTorch's own dropout on one thread, beside its own copy."""

import torch
from torch.nn.functional import dropout

from rounds import arguments, measure

size, p, plan = arguments()
torch.set_num_threads(1)
torch.manual_seed(1)
x = torch.ones(size)
y = torch.ones(size)
gradient = torch.ones(size)
leaf = torch.ones(size, requires_grad=True)


def forward_backward():
    # The gradient of before would be added to the new one.
    leaf.grad = None
    dropout(leaf, p, training=True).backward(gradient)


COPY = "torch copy f32"
moved = 2 * x.element_size() * size
measure(
    torch.__version__,
    f"1 thread, {'with' if torch.backends.mkl.is_available() else 'without'} MKL",
    [
        (COPY, COPY, moved, lambda: y.copy_(x)),
        ("torch dropout f32", COPY, moved, lambda: dropout(x, p, training=True)),
        ("torch dropout forward+backward f32", COPY, 2 * moved, forward_backward),
    ],
    plan,
)

"""Forward and backward pass of normalization layers: the book's, torch's own, and the textbook's forward with autograd.

All are timed in turn in one run; a ratio is that of the medians. The last columns compile each with `torch.compile`.

    python benchmarks/normalization.py [rounds] [--compile]
"""

import statistics
import sys
import time
from functools import partial

import torch
import torch.nn.functional as F

from nndl_lib.normalization import batch_norm, group_norm, layer_norm
from nndl_lib.pytorch import Layer


def textbook(x, gamma, beta, *, axes, shape, groups=None):
    z = x if groups is None else x.reshape(len(x), groups, -1)
    mean = z.mean(dim=axes, keepdim=True)
    var = ((z - mean) ** 2).mean(dim=axes, keepdim=True)
    z = ((z - mean) / torch.sqrt(var + 1e-5)).reshape(x.shape)
    return gamma.reshape(shape) * z + beta.reshape(shape)


def torch_batch_norm(x, gamma, beta):
    return F.batch_norm(x, None, None, gamma, beta, training=True)


FLAT, MAPS = (256, 1024), (64, 64, 28, 28)
CASES = {
    "batch_norm": (FLAT, batch_norm, torch_batch_norm, {"axes": (0,), "shape": (1, -1)}),
    "layer_norm": (FLAT, layer_norm, lambda x, g, b: F.layer_norm(x, (1024,), g, b), {"axes": (1,), "shape": (1, -1)}),
    "batch_norm ": (MAPS, batch_norm, torch_batch_norm, {"axes": (0, 2, 3), "shape": (1, -1, 1, 1)}),
    "group_norm": (
        MAPS,
        partial(group_norm, groups=8),
        lambda x, g, b: F.group_norm(x, 8, g, b),
        {"axes": (2,), "shape": (1, -1, 1, 1), "groups": 8},
    ),
}


def seconds(run, inputs, dy):
    start = time.perf_counter()
    torch.autograd.grad(run(*inputs), inputs, dy)
    return time.perf_counter() - start


def manual(layer):
    """Forward and backward in one function without autograd, which is what can be compiled."""

    def run(x, gamma, beta, dy):
        _, vjp = layer(x, gamma, beta)
        return vjp(dy)

    return run


def compiled_seconds(run, arguments):
    start = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - start


def medians(time_of, runs, rounds):
    times = [[time_of(run) for run in runs] for _ in range(rounds + 2)][2:]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def case(name, rounds, compile):
    shape, ours, peer, book = CASES[name]
    x, dy = torch.randn(shape, requires_grad=True), torch.randn(shape)
    inputs = x, torch.ones(shape[1], requires_grad=True), torch.zeros(shape[1], requires_grad=True)
    runs = Layer(ours), partial(textbook, **book), peer
    a, b, c = medians(lambda run: seconds(run, inputs, dy), runs, rounds)
    row = f"| {name.strip()} | {shape} | {1000 * a:.2f} ms | {a / b:.2f} | {a / c:.2f} |"
    if compile:
        own, plain = torch.compile(manual(ours)), torch.compile(partial(textbook, **book))
        detached = [part.detach() for part in inputs]
        fast = statistics.median([compiled_seconds(own, (*detached, dy)) for _ in range(rounds + 3)][3:])
        theirs = statistics.median([seconds(plain, inputs, dy) for _ in range(rounds + 3)][3:])
        row += f" {fast / theirs:.2f} |"
    print(row, flush=True)


if __name__ == "__main__":
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdigit()]
    compile = "--compile" in sys.argv
    last = " compiled / textbook compiled |" if compile else ""
    print("| layer | x | a pass | / textbook with autograd | / torch |" + last)
    print("|---|---|---|---|---|" + ("---|" if compile else ""))
    for name in CASES:
        case(name, numbers[0] if numbers else 21, compile)

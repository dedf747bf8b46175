"""Time of one optimizer step as a ratio to torch's own: fused, foreach (several tensors at once) and plain.

All are timed in one run in turns of 20 steps (A B C D A B C D ...), the first 3 of a turn left out, each on parameters
of its own; a ratio is that of the medians. Only `optimizer.step()` is timed: with fixed gradients, and once more in
training, where a forward and a backward pass of the network come before each step.

    python benchmarks/optimizers.py [rounds]
"""

import statistics
import sys
import time

import torch
from torch import nn, optim

from nndl_lib import optimizers
from nndl_lib.pytorch import RuleOptimizer

PEERS = {
    "sgd": (optim.SGD, {}),
    "momentum": (optim.SGD, {"momentum": 0.9}),
    "nesterov": (optim.SGD, {"momentum": 0.9, "nesterov": True}),
    "adagrad": (optim.Adagrad, {}),
    "rmsprop": (optim.RMSprop, {}),
    "rmsprop_momentum": (optim.RMSprop, {"momentum": 0.9}),
    "adadelta": (optim.Adadelta, {}),
    "adam": (optim.Adam, {}),
    "nadam": (optim.NAdam, {}),
    "adamw": (optim.AdamW, {}),
}
WAYS = {"fused": {"fused": True}, "foreach": {"foreach": True}, "plain": {"foreach": False}}
HAVE_FUSED = (optim.SGD, optim.Adagrad, optim.Adam, optim.AdamW)


def mlp():
    """A network 784-300-100-10 and the computation of its gradient on a batch of 64."""
    widths = [784, 300, 100, 10]
    layers = [layer for a, b in zip(widths, widths[1:], strict=False) for layer in (nn.Linear(a, b), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    X, y = torch.randn(64, 784), torch.randint(10, (64,))

    def gradient():
        model.zero_grad()
        nn.functional.cross_entropy(model(X), y).backward()

    gradient()
    return list(model.parameters()), gradient


def fixed(params):
    """The parameters, each with a gradient that stays."""
    for p in params:
        p.grad = torch.randn_like(p)
    return params, lambda: None


WORKLOADS = {
    "MLP 784-300-100-10": lambda: fixed(mlp()[0]),
    "the same in training": mlp,
    "60 tensors, 1.1M": lambda: fixed([torch.randn(18_400, requires_grad=True) for _ in range(60)]),
    "1 tensor, 10M": lambda: fixed([torch.randn(10_000_000, requires_grad=True)]),
}


def contenders(rule, workload):
    """Name -> (step, gradient) for this library's rule and each way in which torch has it."""
    peer, constants = PEERS[rule]
    params, gradient = workload()
    result = {"ours": (RuleOptimizer(params, getattr(optimizers, rule)).step, gradient)}
    for way, option in WAYS.items():
        if way != "fused" or peer in HAVE_FUSED:
            params, gradient = workload()
            result[way] = (peer(params, **constants, **option, lr=1e-3).step, gradient)
    return result


def medians(entrants, rounds, turn=20, skipped=3):
    """Median seconds of each step."""
    times = {name: [] for name in entrants}
    for _ in range(rounds):
        for name, (step, gradient) in entrants.items():
            seconds = [timed(step, gradient) for _ in range(turn)]
            times[name] += seconds[skipped:]
    return {name: statistics.median(values) for name, values in times.items()}


def timed(step, gradient):
    gradient()
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def row(rule, name, rounds):
    seconds = medians(contenders(rule, WORKLOADS[name]), rounds)
    ratios = [f"{seconds['ours'] / seconds[way]:.2f}" if way in seconds else "-" for way in WAYS]
    print(f"| {rule} | {name} | {seconds['ours'] * 1e6:.0f} us | {' | '.join(ratios)} |", flush=True)


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    torch.manual_seed(0)
    print("| rule | parameters | a step | / fused | / foreach | / plain |\n|---|---|---|---|---|---|")
    first, *others, largest = WORKLOADS
    for rule in PEERS:
        row(rule, first, rounds)
    for name in others:
        row("adam", name, rounds)
    row("adam", largest, max(rounds // 10, 2))

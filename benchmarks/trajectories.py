"""Time of 500 steps of seven rules on a quadratic of two parameters: `trajectory` on floats and on NumPy against torch.

torch's side is an optimizer step and a gradient by autograd, as one writes it to draw a path. All are timed in turn in
one run; a ratio is that of the medians. The last column is 1000 starts at once, per start.

    python benchmarks/trajectories.py [rounds]
"""

import statistics
import sys
import time

import numpy as np
import torch
from optimizers import PEERS

from nndl_lib import optimizers
from nndl_lib.descent import trajectory

STEPS, STARTS = 500, 1000
RULES = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adadelta", "adam")
CURVATURES = (0.1, 2.0)  # of the two parameters; the quadratic is separable, so on floats each has its own path
START = (-5.0, -2.0)


def on_floats(rule):
    for curvature, x in zip(CURVATURES, START, strict=True):
        for _ in trajectory(rule, lambda theta, c=curvature: c * theta, x, STEPS, lr=0.01):
            pass


def on_numpy(rule, starts=1):
    curvatures, theta = np.array(CURVATURES), np.tile(START, (starts, 1)) if starts > 1 else np.array(START)
    for _ in trajectory(rule, lambda theta: curvatures * theta, theta, STEPS, lr=0.01):
        pass


def on_torch(peer, constants):
    curvatures, theta = torch.tensor(CURVATURES), torch.tensor(START, requires_grad=True)
    optimizer = peer([theta], lr=0.01, **constants)
    for _ in range(STEPS):
        optimizer.zero_grad()
        (curvatures * theta**2 / 2).sum().backward()
        optimizer.step()


def seconds(run, *arguments):
    start = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - start


def medians(rule, peer, constants, rounds):
    runs = [(on_torch, peer, constants), (on_floats, rule), (on_numpy, rule), (on_numpy, rule, STARTS)]
    times = [[seconds(*run) for run in runs] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def show(name, peer, floats, arrays, batch):
    print(f"| {name} | 1/{peer / floats:.0f} | 1/{peer / arrays:.0f} | 1/{peer / batch * STARTS:.0f} |", flush=True)


if __name__ == "__main__":
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    print("| rule | floats | NumPy | 1000 starts at once, each |\n|---|---|---|---|")
    total = np.zeros(4)
    for rule in RULES:
        peer, constants = PEERS[rule]
        row = np.array(medians(getattr(optimizers, rule), peer, constants, rounds))
        show(rule, *row)
        total += row
    show("all", *total)

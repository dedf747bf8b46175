"""Make the tabulated problems of the search chapters: `python benchmarks/hpo_table.py` (about 15 minutes).

Writes nndl_lib/data/searches.npz: learning curves of networks with one hidden layer over a grid of rate, width, l2
and batch size, and final errors of all architectures of one to three layers, on the 8 by 8 digits.
"""

from itertools import product
from pathlib import Path

import numpy as np
import torch

from nndl_lib.data import digits
from nndl_lib.descent import trajectory
from nndl_lib.networks import accuracy, cross_entropy, mlp, start
from nndl_lib.optimizers import adam, sgd

FILE = Path(__file__).parents[1] / "nndl_lib" / "data" / "searches.npz"
RATES = 2.0 ** np.arange(-7, 3)
WIDTHS = 2 ** np.arange(2, 7)
L2 = 10.0 ** np.arange(-5, -1)
BATCHES = 2 ** np.arange(4, 8)
EPOCHS, SEEDS = 81, 5
TOKENS = [f"{n} {name}" for n in (4, 16, 64) for name in ("logistic", "relu", "tanh")]
ACTIVATIONS = {"logistic": torch.sigmoid, "relu": torch.relu, "tanh": torch.tanh}
SIZES = (600, 597, 600)  # training, validation and test examples


def parts():
    """The digits in a fixed random order, cut into the three sets; as tensors."""
    x, y = digits()
    order = np.random.default_rng(0).permutation(len(x))
    pieces = torch.as_tensor(order).split(SIZES)
    return [(torch.as_tensor(x)[rows], torch.as_tensor(y)[rows]) for rows in pieces]


def batches(x, y, K, seeds):
    """For ever: the mini-batches of each replica, an epoch in ceil(N / K) updates; equal seeds, equal batches."""
    rngs = {seed: np.random.default_rng([seed, 1]) for seed in seeds}
    while True:
        order = {seed: rng.permutation(len(x)) for seed, rng in rngs.items()}
        for rows in torch.as_tensor(np.stack([order[seed] for seed in seeds])).split(K, dim=1):
            yield x[rows], y[rows]


def curves(net, rule, K, seeds, epochs, **constants):
    """Numbers of wrong validation and test digits (R, epochs + 1, 2), validation loss (R, epochs + 1)."""
    (x, y), *held_out = parts()
    stream, wrong, loss = batches(x, y, K, seeds), [], []

    def grad(theta):
        theta = theta.detach().requires_grad_()
        return torch.autograd.grad(cross_entropy(net(xs, theta), ys).sum(), theta)[0]

    per_epoch = -(-len(x) // K)
    path = trajectory(rule, grad, start(net, seeds), per_epoch * epochs, **constants)
    for t, theta in enumerate(path):
        if t % per_epoch == 0:
            with torch.no_grad():
                outputs = [(net(a, theta), b) for a, b in held_out]
                wrong.append(torch.stack([((1 - accuracy(o, b)) * len(b)).round() for o, b in outputs], dim=1))
                loss.append(cross_entropy(*outputs[0]))
        xs, ys = next(stream)
    return torch.stack(wrong, dim=1).numpy().astype(np.uint16), torch.stack(loss, dim=1).numpy()


def grid():
    """The curves of the grid, (rates, widths, l2, batches, seeds, epochs + 1, ...); SGD, l2 as decay."""
    pairs = list(product(RATES, L2, range(SEEDS)))
    lr, decay, seeds = (list(column) for column in zip(*pairs, strict=True))
    column = {"lr": np.array(lr)[:, None], "decay": np.array(decay)[:, None]}
    column = {key: torch.as_tensor(value, dtype=torch.float32) for key, value in column.items()}
    shape = (len(RATES), len(L2), SEEDS)
    wrong = np.empty((len(RATES), len(WIDTHS), len(L2), len(BATCHES), SEEDS, EPOCHS + 1, 2), dtype=np.uint16)
    loss = np.empty(wrong.shape[:-1], dtype=np.float16)
    for (i, n), (j, K) in product(enumerate(WIDTHS), enumerate(BATCHES)):
        w, v = curves(mlp(64, int(n), 10), sgd, int(K), seeds, EPOCHS, **column)
        wrong[:, i, :, j] = w.reshape(*shape, *w.shape[1:])
        v = np.minimum(np.nan_to_num(v, nan=np.inf), 60000)
        loss[:, i, :, j] = v.reshape(*shape, *v.shape[1:])
        print(n, K, "least validation error", w[:, -1, 0].min() / SIZES[1], flush=True)
    return wrong, loss


def architectures():
    """Final errors (architectures, seeds, 2) of all strings of one to three tokens; Adam, 20 epochs."""
    names = [",".join(tokens) for L in (1, 2, 3) for tokens in product(TOKENS, repeat=L)]
    wrong = np.empty((len(names), SEEDS, 2), dtype=np.uint16)
    for i, string in enumerate(names):
        layers = [token.split() for token in string.split(",")]
        net = Stack(tuple(int(n) for n, _ in layers), tuple(ACTIVATIONS[name] for _, name in layers))
        w, _ = curves(net, adam, 50, list(range(SEEDS)), 20, lr=0.003)
        wrong[i] = w[:, -1]
    return np.array(names), wrong


class Stack:
    """A network whose layers have activations of their own."""

    def __init__(self, widths, activations):
        self.base = mlp(64, *widths, 10)
        self.activations, self.activation = activations, activations[0]
        self.shapes = self.base.shapes

    def __call__(self, x, theta):
        h = x if x.ndim == 3 else x.expand(len(theta), *x.shape)
        *hidden, (W, b) = self.base.unpack(theta)
        for f, (V, c) in zip(self.activations, hidden, strict=True):
            h = f(torch.baddbmm(c, h, V))
        return torch.baddbmm(b, h, W)


def main():
    names, final = architectures()
    wrong, loss = grid()
    np.savez_compressed(FILE, rates=RATES, widths=WIDTHS, l2=L2, batches=BATCHES, wrong=wrong, loss=loss,
                        sizes=np.array(SIZES), architectures=names, final=final)  # fmt: skip


if __name__ == "__main__":
    main()

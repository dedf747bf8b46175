"""Networks as functions of one parameter vector, for R replicas at once: `net(x, theta)` with theta `(R, D)`.

Row r of theta holds all parameters of replica r. Each layer is one batched matrix product for all replicas,
which on small networks is many times faster than one replica after the other. Losses and `accuracy` return
one mean per replica, `(R,)`.
"""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from .initializers import he, lecun, normal
from .normalization import standardize


@dataclass(frozen=True)
class MLP:
    """Fully connected layers of the widths `sizes` = (P, ..., C), with `activation` between them."""

    sizes: tuple
    activation: Any = torch.tanh

    def __call__(self, x, theta):
        """Outputs (R, K, C) for inputs x, (R, K, P) or (K, P) for all replicas, and parameters theta (R, D).

        Raises: ValueError if x or theta has another shape.
        """
        *_, outputs = self.layers(x, theta)
        return outputs

    def layers(self, x, theta):
        """The outputs (R, K, m) of each hidden layer and at last of the network, one after the other."""
        self._check(x, theta)
        *hidden, (W_out, b_out) = self.unpack(theta)
        h = x if x.ndim == 3 else x.expand(len(theta), *x.shape)
        for W, b in hidden:
            h = self.activation(torch.baddbmm(b, h, W))
            yield h
        yield torch.baddbmm(b_out, h, W_out)

    @property
    def inputs(self):
        """The number P of inputs of an example."""
        return self.sizes[0]

    @property
    def shapes(self):
        """The shape of each weight matrix and bias, in the order of theta."""
        pairs = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        return [shape for n, m in pairs for shape in ((n, m), (1, m))]

    @property
    def size(self):
        """The number D of parameters of one replica."""
        return sum(map(prod, self.shapes))

    def unpack(self, theta):
        """The layers' `(W (R, in, out), b (R, 1, out))` as views of theta (R, D)."""
        shapes = self.shapes
        parts = theta.split([prod(shape) for shape in shapes], dim=1)
        views = [part.view(-1, *shape) for part, shape in zip(parts, shapes, strict=True)]
        return list(zip(views[::2], views[1::2], strict=True))

    def map_weights(self, f, theta):
        """theta (R, D) with f(W) in place of each weight matrix W (R, in, out), and the biases as they are."""
        pairs = [(f(W), b) for W, b in self.unpack(theta)]
        return torch.cat([part.flatten(1) for pair in pairs for part in pair], dim=1)

    def _check(self, x, theta):
        if theta.ndim != 2 or theta.shape[1] != self.size:
            raise ValueError(f"theta has shape {tuple(theta.shape)}, expected (R, {self.size})")
        R, P = len(theta), self.inputs
        if x.ndim not in (2, 3) or x.shape[-1] != P or x.shape[:-2] not in ((), (R,)):
            raise ValueError(f"x has shape {tuple(x.shape)}, expected (K, {P}) or ({R}, K, {P})")


def mlp(*sizes, activation=torch.tanh):
    """A network with layers of the widths `sizes`, inputs first, outputs last: `mlp(784, 100, 10)`.

    Raises: ValueError unless `sizes` are two integers >= 1 or more; TypeError if `activation` is no function.
    """
    if len(sizes) < 2 or not all(isinstance(n, int) and n >= 1 for n in sizes):
        raise ValueError(f"mlp: sizes={sizes!r}, expected two integers >= 1 or more")
    if not callable(activation):
        raise TypeError(f"mlp: activation={activation!r}, expected a function")
    return MLP(sizes, activation)


def linear(P, C):
    """The linear model with bias from P inputs to C outputs: `mlp` without a hidden layer."""
    return mlp(P, C)


@dataclass(frozen=True)
class Blocks(MLP):
    """A deep network of blocks of two layers: h = activation(F(h)), or h = activation(h + F(h)) with `shortcut`.

    F(h) = N(activation(N(h W + b)) W + b), where N is the identity or, with `normalize`, standardizes each unit over
    the K examples before its b is added: batch normalization with gamma = 1. Source: He et al. 2016, figure 2.
    """

    shortcut: bool = True
    normalize: bool = True

    def layers(self, x, theta):
        """The outputs (R, K, m) of the input layer, of each block and at last of the network."""
        self._check(x, theta)
        first, *hidden, (W_out, b_out) = self.unpack(theta)
        h = self.activation(self._affine(x if x.ndim == 3 else x.expand(len(theta), *x.shape), *first))
        yield h
        for inner, outer in zip(hidden[::2], hidden[1::2], strict=True):
            F = self._affine(self.activation(self._affine(h, *inner)), *outer)
            h = self.activation(h + F if self.shortcut else F)
            yield h
        yield torch.baddbmm(b_out, h, W_out)

    def _affine(self, h, W, b):
        z = torch.bmm(h, W)
        if self.normalize:
            z, _ = standardize(z, 1)
        return z + b


def blocks(P, width, n, C, *, activation=torch.relu, shortcut=True, normalize=True):
    """A network of 2 n + 2 layers: P inputs, a layer and `n` blocks of `width` units, C outputs.

    Normalization takes the statistics of the examples that it is given, in training and in evaluation.
    Raises: ValueError, TypeError as `mlp`; ValueError unless n is an integer >= 0.
    """
    if not (isinstance(n, int) and n >= 0):
        raise ValueError(f"blocks: n={n!r}, expected an integer >= 0")
    sizes = mlp(P, *[width] * (2 * n + 1), C, activation=activation).sizes
    return Blocks(sizes, activation, shortcut, normalize)


def start(net, seeds, *, variance=None, distribution=normal, dtype=torch.float32):
    """Initial parameters (R, D), one row per seed; row r depends on seed r alone.

    Weights (n, m) are `distribution(rng, (n, m), variance(n, m))`, by default normal with variance 1/n, with ReLU
    2/n; biases are 0.
    Raises: ValueError if `seeds` is empty or holds something else than integers >= 0.
    """
    activation = getattr(net.activation, "__name__", type(net.activation).__name__)
    variance = variance or (he if activation.lower() == "relu" else lecun)
    rows = [_start_row(net.shapes, variance, distribution, seed) for seed in check_seeds(seeds)]
    return torch.as_tensor(np.stack(rows), dtype=dtype)


def _start_row(shapes, variance, distribution, seed):
    rng = np.random.default_rng(seed)
    weights = [distribution(rng, (n, m), variance(n, m)) for n, m in shapes[::2]]
    return np.concatenate([part for W in weights for part in (W.ravel(), np.zeros(W.shape[1]))])


def check_seeds(seeds):
    """The seeds as a list of integers; an integer n stands for 0 ... n - 1."""
    listed = range(seeds) if isinstance(seeds, (int, np.integer)) else seeds
    rows = list(listed) if np.ndim(listed) == 1 else []
    if not rows or not all(isinstance(seed, (int, np.integer)) and seed >= 0 for seed in rows):
        raise ValueError(f"seeds={seeds!r}, expected a number of replicas >= 1 or one integer >= 0 for each")
    return [int(seed) for seed in rows]


def cross_entropy(logits, y):
    """Mean cross-entropy (R,) in nats of logits (R, K, C) and labels y (K,) or (R, K), or soft targets: probabilities
    y (K, C) or (R, K, C).

    Equation (R.106). Raises: ValueError for another shape, or rows that are no probabilities; TypeError for labels that
    are not integers.
    """
    soft = y.is_floating_point() and y.shape in (logits.shape, logits.shape[1:])
    y = _probabilities(y).to(logits.dtype).expand(logits.shape).flatten(0, 1) if soft else _labels(logits, y).flatten()
    losses = F.cross_entropy(logits.flatten(0, 1), y, reduction="none")  # (R.106)
    return losses.view(logits.shape[:2]).mean(dim=1)


def squared_error(outputs, y):
    """Half mean squared error (R,) of outputs (R, K, C) and targets y (K, C) or (R, K, C).

    The mean over the K examples of half the squared norm of each error.
    Raises: ValueError for targets of another shape.
    """
    if y.shape not in (outputs.shape, outputs.shape[1:]):
        R, K, C = outputs.shape
        raise ValueError(f"y has shape {tuple(y.shape)}, expected ({K}, {C}) or ({R}, {K}, {C})")
    return ((outputs - y) ** 2).sum(dim=2).mean(dim=1) / 2


def accuracy(logits, y):
    """Fraction (R,) of labels y (K,) or (R, K) that are the largest of logits (R, K, C).

    Raises: ValueError, TypeError as in `cross_entropy`.
    """
    return (logits.argmax(dim=2) == _labels(logits, y)).to(logits.dtype).mean(dim=1)


def _probabilities(y):
    """Soft targets (..., C), checked: each row is >= 0 and adds up to 1."""
    if not ((y >= 0).all() and ((y.sum(-1) - 1).abs() < 1e-3).all()):
        raise ValueError("y has rows that are no probabilities, expected numbers >= 0 that add up to 1")
    return y


def _labels(logits, y):
    """Labels of shape (R, K), checked against the logits (R, K, C)."""
    R, K, C = logits.shape
    if y.dtype != torch.int64:
        expected = f"labels of dtype torch.int64, or soft targets ({K}, {C}) or ({R}, {K}, {C})"
        raise TypeError(f"y: {tuple(y.shape)} of dtype {y.dtype}, expected {expected}")
    if y.shape not in ((K,), (R, K)):
        raise ValueError(f"y has shape {tuple(y.shape)}, expected ({K},) or ({R}, {K})")
    check_range(y, C)
    return y.expand(R, K)


def check_range(y, C):
    """Raise ValueError unless all labels y are from 0 to C - 1."""
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= C:
        raise ValueError(f"y has labels from {low} to {high}, expected labels from 0 to {C - 1}")

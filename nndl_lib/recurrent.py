"""A recurrent network as a function of one parameter vector, for R replicas at once, like those of `networks`."""

from dataclasses import dataclass
from typing import Any

import torch

from .networks import MLP, mlp


@dataclass(frozen=True)
class Recurrent:
    """h_t = activation(normalize(x_t W + h_{t-1} U) + b), h_0 = 0, t = 1 ... T; the outputs are linear in h_T."""

    T: int
    mlp: MLP
    normalize: Any

    def __call__(self, x, theta):
        """Outputs (R, K, C) for sequences x, (R, K, T P) or (K, T P), and parameters theta (R, D)."""
        *_, outputs = self.layers(x, theta)
        return outputs

    def layers(self, x, theta):
        """The states h_1 ... h_T (R, K, H) and at last the outputs of the network."""
        P = self.mlp.sizes[0]
        if x.ndim not in (2, 3) or x.shape[-1] != self.T * P:
            raise ValueError(f"x has shape {tuple(x.shape)}, expected (K, {self.T * P}) or (R, K, {self.T * P})")
        (W, b), (U, c), (V, d) = self.unpack(theta)
        x = x if x.ndim == 3 else x.expand(len(theta), *x.shape)
        inputs = torch.einsum("rktp,rph->trkh", x.reshape(*x.shape[:2], self.T, P), W)
        h = inputs.new_zeros(inputs.shape[1:])
        for z in inputs:
            z = torch.baddbmm(z, h, U)  # (1.53)
            h = self.activation((z if self.normalize is None else self.normalize(z)) + b + c)  # (1.54)
            yield h
        yield torch.baddbmm(d, h, V)

    activation = property(lambda self: self.mlp.activation)
    shapes = property(lambda self: self.mlp.shapes)
    size = property(lambda self: self.mlp.size)

    def unpack(self, theta):
        """(W (R, P, H), b), (U (R, H, H), c) and the output layer's (V (R, H, C), d): two biases, as torch has."""
        self.mlp._check(theta.new_zeros(1, self.mlp.sizes[0]), theta)
        return self.mlp.unpack(theta)


def rnn(T, P, H, C, *, activation=torch.tanh, normalize=None):
    """A recurrent network for sequences of T steps of P numbers, given as rows of T P numbers: H units, C outputs.

    `normalize(z)` acts on the net inputs z (R, K, H) of a step before the bias is added; H is the last axis.
    Raises: ValueError, TypeError as `networks.mlp`; ValueError unless T is an integer >= 1.
    """
    if not (isinstance(T, int) and T >= 1):
        raise ValueError(f"rnn: T={T!r}, expected an integer >= 1")
    return Recurrent(T, mlp(P, H, H, C, activation=activation), normalize)

"""A recurrent network as a function of one parameter vector, for R replicas at once, like those of `networks`."""

from dataclasses import dataclass
from typing import Any

import torch

from .networks import MLP, mlp


@dataclass(frozen=True)
class Recurrent(MLP):
    """h_t = activation(normalize(x_t W + h_{t-1} U) + b + c), h_0 = 0, t = 1 ... T; the outputs are linear in h_T.

    Its parameters are those of an MLP of the widths P, H, H, C: W and b, U and c (two biases, as in torch), the output
    layer's V and d.
    """

    T: int = 1
    normalize: Any = None

    def layers(self, x, theta):
        """The states h_1 ... h_T (R, K, H) and at last the outputs (R, K, C), for x (R, K, T P) or (K, T P)."""
        self._check(x, theta)
        (W, b), (U, c), (V, d) = self.unpack(theta)
        x = x if x.ndim == 3 else x.expand(len(theta), *x.shape)
        inputs = torch.einsum("rktp,rph->trkh", x.reshape(*x.shape[:2], self.T, -1), W)
        h = inputs.new_zeros(inputs.shape[1:])
        for z in inputs:
            z = torch.baddbmm(z, h, U)  # (1.53)
            h = self.activation((z if self.normalize is None else self.normalize(z)) + b + c)  # (1.54)
            yield h
        yield torch.baddbmm(d, h, V)

    @property
    def inputs(self):
        """The number T P of inputs of a sequence."""
        return self.T * self.sizes[0]


def rnn(T, P, H, C, *, activation=torch.tanh, normalize=None):
    """A recurrent network for sequences of T steps of P numbers, given as rows of T P numbers: H units, C outputs.

    `normalize(z)` acts on the net inputs z (R, K, H) of a step before the bias is added; H is the last axis.
    Raises: ValueError, TypeError as `networks.mlp`; ValueError unless T is an integer >= 1.
    """
    if not (isinstance(T, int) and T >= 1):
        raise ValueError(f"rnn: T={T!r}, expected an integer >= 1")
    return Recurrent(mlp(P, H, H, C, activation=activation).sizes, activation, T, normalize)

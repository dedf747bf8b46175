"""Modules of torch made of the book's layers."""

import torch
from torch import nn

from .normalization import batch_norm
from .pytorch import Layer


class BatchNorm(nn.Module):
    """Batch normalization of x (K, n) or (K, n, *positions) with its own backward pass and running statistics.

    In training each batch is standardized by its own statistics, and the running ones move a fraction `rho` towards
    them, the variance times m / (m - 1) for m values per unit; in evaluation the running ones are used.
    Source: Ioffe and Szegedy 2015. Differs: `nn.BatchNorm1d` calls rho `momentum`; the results are equal.
    Raises: ValueError as `batch_norm`.
    """

    def __init__(self, n, *, eps=1e-5, rho=0.1, dtype=None):
        super().__init__()
        self.eps, self.rho = eps, rho
        self.gamma, self.beta = nn.Parameter(torch.ones(n, dtype=dtype)), nn.Parameter(torch.zeros(n, dtype=dtype))
        self.register_buffer("mean", torch.zeros(n, dtype=dtype))
        self.register_buffer("var", torch.ones(n, dtype=dtype))

    def forward(self, x):
        """The normalized x; in training the running statistics move."""
        if not self.training:
            return Layer(batch_norm, eps=self.eps, mean=self.mean, var=self.var)(x, self.gamma, self.beta)
        return Layer(self._train)(x, self.gamma, self.beta)

    def _train(self, x, gamma, beta):
        y, vjp = batch_norm(x, gamma, beta, eps=self.eps)
        mean, var = vjp.stats
        m = x.numel() // len(gamma)
        self.mean.lerp_(mean, self.rho)
        self.var.lerp_(var * m / (m - 1), self.rho)
        return y, vjp

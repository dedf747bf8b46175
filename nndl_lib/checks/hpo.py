"""The exercises of the chapters on searching hyper-parameters."""

from functools import partial
from math import comb

import numpy as np

from .kinds import functions, parts, values


def _halved(curves, eta, best=True, resumed=True, reached=True, row=True):
    """The exercise's `halving(curves, eta)`: row of the winner and units spent, with one mistake at most."""
    S, r, before, cost = np.arange(len(curves)), 1, 0, 0
    while len(S) > 1:
        cost += len(S) * (r - before if resumed else r)
        losses = curves[S, r if reached else r - before]
        order = np.argsort(losses if best else -losses, kind="stable")[: -(-len(S) // eta)]
        S, before, r = S[order], r, r * eta
    return (S if row else order)[0], cost


_CURVES = [(np.random.default_rng(eta).random((n, 10)), eta) for n, eta in ((20, 3), (9, 2))]


def _linear(Phi, y, phi, noise, ridge=1, factor=None, extra=0, power=1):
    """The exercise's `posterior(Phi, y, phi, noise)`: mean and variance, with one mistake at most."""
    A = Phi.T @ Phi + ridge * noise * np.eye(Phi.shape[1])
    variance = (factor or noise) * phi @ np.linalg.solve(A, phi) + extra * noise
    return phi @ np.linalg.solve(A, Phi.T @ y), variance**power


def _losses(N, m, noise):
    rng = np.random.default_rng(N)
    return rng.normal(size=(N, m)), rng.normal(size=N), rng.normal(size=m), noise


def _power_above(k, alpha, whole=np.ceil):
    """The exercise's `round_up(k, alpha)`: the power of 1 + alpha next to k, by default the one not below."""
    return (1 + alpha) ** whole(np.log(k) / np.log(1 + alpha))


def _best_of(losses, n, weight=lambda i, M, n: comb(M - i, n - 1), order=sorted):
    """The exercise's `best_of(losses, n)`, whose subsets number `weight(i, M, n)` for the i-th loss in `order`."""
    M = len(losses)
    return sum(y * weight(i, M, n) for i, y in enumerate(order(losses), start=1)) / comb(M, n)


def _drawn_twice(losses, n):
    return -np.sort(losses) @ np.diff(np.linspace(1, 0, len(losses) + 1) ** n)


EXERCISES = {
    "architecture-1": parts((30, 54, 12 / 54), A=(0, 31), B=(1, 81), C=(2, 4 / 30), D=(2, 4 / 54)),
    "architecture-2": functions(
        [(np.array([0.5, 0.3, 0.2]), np.array([1.0, 0.4, -0.6])), (np.array([0.1, 0.9]), np.array([-0.3, -0.1]))],
        lambda p, R: p * (R - p @ R),
        A=lambda p, R: p * R,
        B=lambda p, R: R - p @ R,
        C=lambda p, R: p * (p @ R - R),
        D=lambda p, R: p * (R - R.mean()),
    ),
    "bayesian-1": parts(
        (-0.6, 0.8, 0.1582), A=(0, -1, 0.6), B=(1, 0.64), C=(2, 0.5582), D=(2, 0.3085), E=(2, -0.1234), F=(2, 0.1036)
    ),
    "bayesian-2": functions(
        [_losses(12, 3, 0.3), _losses(7, 4, 2.0)],
        _linear,
        A=partial(_linear, ridge=0),
        B=partial(_linear, factor=1),
        C=partial(_linear, extra=1),
        D=partial(_linear, power=0.5),
    ),
    "grid-random-1": parts(
        (144, 114, 0.4, 0.99882), A=(0, 15), B=(1, 113), C=(1, 50), D=(2, 1, 0.99882), E=(3, 0.3439), F=(3, 0.00118)
    ),
    "grid-random-2": functions(
        [([0.5, 0.1, 0.9, 0.2, 0.4], 2), ([3.0, 8.0, 1.0, 2.0, 2.0, 7.0], 3)],
        _best_of,
        A=_drawn_twice,
        B=partial(_best_of, order=list),
        C=partial(_best_of, weight=lambda i, M, n: comb(i - 1, n - 1)),
        D=partial(_best_of, weight=lambda i, M, n: comb(M - i, n)),
        E=partial(_best_of, weight=lambda i, M, n: comb(M - i + 1, n - 1)),
    ),
    "halving-1": values((27, 12, 6, 4), A=(27, 9, 6, 4), B=(27, 9, 3, 1), C=(21, 9, 5, 3), D=(4, 6, 12, 27)),
    "halving-3": functions(
        _CURVES,
        _halved,
        A=partial(_halved, best=False),
        B=partial(_halved, resumed=False),
        C=partial(_halved, reached=False),
        D=partial(_halved, row=False),
    ),
    "local-lipo-1": parts(
        (2, 0.15, 0.25), A=(0, 1.25, 1 / 7), B=(1, 0.85), C=(1, -0.1), D=(1, 0), E=(2, 0.4), F=(2, -0.6, -0.9)
    ),
    "local-lipo-2": functions(
        [(0.7, 0.1), (2.5, 0.5), (3.0, 0.5)],
        _power_above,
        A=partial(_power_above, whole=np.floor),
        B=lambda k, alpha: k * (1 + alpha),
        C=partial(_power_above, whole=np.round),
        D=lambda k, alpha: _power_above(k, np.e - 1),
    ),
    "scaling-out-1": parts(
        (1792 / 781, 333 / 256), A=(0, 448 / 781), B=(0, 1.75), C=(0, 1792 / 259), D=(1, 2.25), E=(1, 333 / 64)
    ),
}

"""The exercises of the chapters on searching hyper-parameters."""

from functools import partial

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


EXERCISES = {
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
    "halving-1": values((27, 12, 6, 4), A=(27, 9, 6, 4), B=(27, 9, 3, 1), C=(21, 9, 5, 3), D=(4, 6, 12, 27)),
    "halving-2": functions(
        _CURVES,
        _halved,
        A=partial(_halved, best=False),
        B=partial(_halved, resumed=False),
        C=partial(_halved, reached=False),
        D=partial(_halved, row=False),
    ),
    "scaling-out-1": parts(
        (1792 / 781, 333 / 256), A=(0, 448 / 781), B=(0, 1.75), C=(0, 1792 / 259), D=(1, 2.25), E=(1, 333 / 64)
    ),
}

"""Bayesian optimization: Algorithm 1.1 as a strategy, with a Gaussian process fitted anew after each batch."""

from functools import partial

import numpy as np
from scipy.optimize import minimize

from .gp import expected_improvement, gaussian_process, matern52
from .space import check_space, check_whole, decode, encode, features

START = {"length": 1.0, "noise": 1e-3}
BOUNDS = {"length": (0.05, 50.0), "variance": (0.05, 50.0), "noise": (1e-8, 1.0)}


def bayesian(space, *, trials=50, batch=1, initial=8, seed=0, kernel=matern52, acquisition=expected_improvement):
    """After `initial` trials spread over the space, the configurations of largest acquisition under a Gaussian process.

    In a batch of more than one each further configuration is chosen as if those before it had brought what the process
    expects (the kriging believer). Failed trials count as the worst loss seen. Losses are standardized for the process.
    Algorithm 1.1, (1.58). Source: Snoek, Larochelle and Adams 2012; Ginsbourger, Le Riche and Carraro 2010 for batches.
    """
    for name, value in {"trials": trials, "batch": batch, "initial": initial}.items():
        check_whole("bayesian", name, value, 1)
    rng, d = np.random.default_rng(seed), len(check_space(space))
    U = latin_hypercube(rng, min(initial, trials), d)
    y = yield [decode(space, u) for u in U]
    U, constants = _rounded(space, U), None
    while len(y) < trials:
        X, z = features(space, U), standardized(y)
        constants = fit(X, z, kernel=kernel, start=constants)
        proposals = []
        for _ in range(min(batch, trials - len(y))):
            posterior = gaussian_process(X, z, kernel=kernel, **constants)
            score = partial(_score, space, posterior, acquisition, z.min())
            u = _rounded(space, _maximum(rng, score, U[np.argmin(y)])[None])
            x = features(space, u)
            X, z = np.vstack([X, x]), np.append(z, posterior(x)[0])
            proposals.append(u[0])
        y = y + (yield [decode(space, u) for u in proposals])
        U = np.vstack([U, proposals])


def latin_hypercube(rng, n, d):
    """n points (n, d) of the unit cube, one in each of the n slices of each coordinate."""
    return (np.column_stack([rng.permutation(n) for _ in range(d)]) + rng.random((n, d))) / n


def standardized(losses):
    """Losses (n,) with mean 0 and variance 1; those of failed trials, inf, count as the worst finite one."""
    y = np.array(losses, dtype=float)
    finite = np.isfinite(y)
    y[~finite] = y[finite].max() if finite.any() else 0.0
    return (y - y.mean()) / (y.std() or 1.0)


def fit(X, y, *, kernel=matern52, start=None):
    """The constants of the Gaussian process that make y (n,) at X (n, d) most probable, times their prior (H.29).

    A dict with "length" (d,), "variance" and "noise", found by L-BFGS in their logarithms from `start`.
    """
    d = X.shape[1]
    start = start or {"length": np.full(d, START["length"]), "variance": 1.0, "noise": START["noise"]}
    packed = np.log([*start["length"], start["variance"], start["noise"]])
    bounds = np.log([BOUNDS["length"]] * d + [BOUNDS["variance"], BOUNDS["noise"]])

    def loss(logs):
        process = gaussian_process(X, y, kernel=kernel, **_unpacked(logs))
        value, slope = log_prior(logs)
        return -process.log_likelihood - value, -process.gradient() - slope

    return _unpacked(minimize(loss, packed, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 50}).x)


def _unpacked(logs):
    *length, variance, noise = np.exp(logs)
    return {"length": np.array(length), "variance": variance, "noise": noise}


def log_prior(logs):
    """Logarithm, up to a constant, of the prior of the constants' logarithms (d + 2,), and its gradient.

    Equation (H.29). Log-normal: lengths around sqrt(d) / 2, the variance around 1, the noise around 1e-4.
    """
    d = len(logs) - 2
    center = np.array([*np.full(d, np.log(d**0.5 / 2)), 0.0, np.log(1e-4)])
    width = np.array([*np.ones(d), 1.0, 2.0])
    z = (logs - center) / width
    return -(z @ z) / 2, -z / width  # (H.29)


def _score(space, posterior, acquisition, best, U):
    mu, sigma = posterior(features(space, U))
    return acquisition(mu, sigma, best)


def _maximum(rng, score, incumbent, *, spread=1000, rounds=12, around=100):
    """A point of the unit cube of large score: the best of random ones, then of ever closer ones around the best."""
    d = len(incumbent)
    near = np.clip(incumbent + 0.1 * rng.normal(size=(around, d)), 0, 1)
    U = np.vstack([rng.random((spread, d)), near])
    values = score(U)
    for i in range(rounds):
        top = U[np.argsort(-values)[:5]]
        steps = 0.2 * 0.5**i * rng.normal(size=(around // 5, d))
        more = np.clip(top[:, None] + steps, 0, 1).reshape(-1, d)
        U, values = np.vstack([top, more]), score(np.vstack([top, more]))
    return U[np.argmax(values)]


def _rounded(space, U):
    """The points (n, d) at which the decoded configurations lie."""
    return np.array([encode(space, decode(space, u)) for u in U])

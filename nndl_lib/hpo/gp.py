"""Gaussian process regression and the acquisition functions of Bayesian optimization; losses are minimized."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import ndtr


def matern52(s):
    """Matern kernel with nu = 5/2 of squared distances s: `k, vjp`.

    Equation (H.20). Source: Rasmussen and Williams 2006, equation (4.17).
    """
    r = (5 * s) ** 0.5
    e = np.exp(-r)

    def vjp(dk):
        return -5 / 6 * (1 + r) * e * dk

    return (1 + r + r * r / 3) * e, vjp  # (H.20)


def rbf(s):
    """Squared-exponential kernel of squared distances s: `k, vjp`. Equation (H.19)."""
    k = np.exp(-s / 2)  # (H.19)

    def vjp(dk):
        return -k / 2 * dk

    return k, vjp


def squared_distances(A, B):
    """Squared distances (n, m) between the rows of A (n, d) and of B (m, d)."""
    s = (A * A).sum(axis=1)[:, None] + (B * B).sum(axis=1) - 2 * A @ B.T
    return np.maximum(s, 0)


def gaussian_process(X, y, *, kernel=matern52, length=1.0, variance=1.0, noise=1e-6):
    """The posterior of a function with mean 0 after the values y (n,) at X (n, d): `posterior(x (m, d)) -> mu, sigma`.

    `length` is a number or one for each of the d features, `variance` that of the function, `noise` that of each value;
    sigma is the standard deviation of the function itself, without noise. Attributes: `log_likelihood` of y, and
    `gradient()`, its derivatives by the logarithms of each length, of variance and of noise, (d + 2,).
    Equations (H.22)-(H.28). Source: Rasmussen and Williams 2006, algorithm 2.1 and equation (5.9).
    Raises: ValueError for other shapes, NaN, or a constant that is not positive.
    """
    X, y = _observations(X, y)
    _check_positive(length=length, variance=variance, noise=noise)
    Z = X / length
    k, vjp = kernel(squared_distances(Z, Z))
    factor = cho_factor(variance * k + noise * np.eye(len(X)), lower=True)  # (H.22)
    alpha = cho_solve(factor, y)

    def posterior(x):
        k_x = variance * kernel(squared_distances(_rows(x, X) / length, Z))[0]
        v = solve_triangular(factor[0], k_x.T, lower=True)
        var = variance - (v * v).sum(axis=0)
        return k_x @ alpha, np.maximum(var, 0) ** 0.5  # (H.24), (H.25)

    def gradient():
        A = (np.outer(alpha, alpha) - cho_solve(factor, np.eye(len(X)))) / 2
        W = vjp(variance * A)
        by_length = -4 * ((W.sum(axis=1)[:, None] * Z * Z).sum(axis=0) - (Z * (W @ Z)).sum(axis=0))
        return np.array([*by_length, variance * (A * k).sum(), noise * np.trace(A)])  # (H.28)

    logs = np.log(np.diag(factor[0])).sum() + len(X) / 2 * np.log(2 * np.pi)
    posterior.log_likelihood = -y @ alpha / 2 - logs  # (H.27)
    posterior.gradient = gradient
    return posterior


def _observations(X, y):
    X, y = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
    if X.ndim != 2 or y.shape != (len(X),) or not len(X):
        raise ValueError(f"X, y of shapes {X.shape}, {y.shape}, expected (n, d) and (n,) with n >= 1")
    if not (np.isfinite(X).all() and np.isfinite(y).all()):
        raise ValueError("X or y has entries that are NaN or infinite, expected finite numbers")
    return X, y


def _rows(x, X):
    x = np.asarray(x, dtype=float)
    if x.ndim != 2 or x.shape[1] != X.shape[1]:
        raise ValueError(f"x has shape {x.shape}, expected (m, {X.shape[1]})")
    return x


def _check_positive(**constants):
    for name, value in constants.items():
        if not np.all((np.asarray(value) > 0) & (np.asarray(value) < np.inf)):
            raise ValueError(f"gaussian_process: {name}={value!r}, expected numbers > 0")


def expected_improvement(mu, sigma, best):
    """How much a normal variable (mu, sigma) is expected to fall below `best`; where sigma = 0, max(best - mu, 0).

    Equation (1.58). Source: Jones, Schonlau and Welch 1998, equation (15).
    """
    d, Z = _improvement(mu, sigma, best)
    density = np.exp(-Z * Z / 2) / (2 * np.pi) ** 0.5
    return np.where(sigma > 0, d * ndtr(Z) + sigma * density, np.maximum(d, 0))  # (1.58)


def probability_of_improvement(mu, sigma, best):
    """The probability that a normal variable (mu, sigma) falls below `best`. Equation (H.30). Source: Kushner 1964."""
    d, Z = _improvement(mu, sigma, best)
    return np.where(sigma > 0, ndtr(Z), d > 0)  # (H.30)


def confidence_bound(mu, sigma, best=None, *, kappa=2.0):
    """The lower confidence bound mu - kappa sigma of a loss, negated, so that larger is better; `best` is not used.

    Equation (H.31). Source: Cox and John 1997; with a growing kappa Srinivas et al. 2010, for maximization.
    """
    return kappa * sigma - mu  # (H.31)


def _improvement(mu, sigma, best):
    d = best - np.asarray(mu)
    return d, np.divide(d, sigma, out=np.zeros(np.broadcast(d, sigma).shape), where=np.asarray(sigma) > 0)

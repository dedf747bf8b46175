"""Scaling of features: `scaler(X) -> Affine(shift, W)`, fitted on X (N, D), applied to anything of D features.

Fit on the training set alone and apply the same map to all data. Variances divide by N.
"""

from typing import NamedTuple

import numpy as np

_BLOCK = 1024  # rows that are centred at once: no second copy of the data is made


class Affine(NamedTuple):
    """The map x -> (x - shift) @ W of rows (..., D) to rows (..., d); W (D,) stands for a diagonal matrix."""

    shift: np.ndarray
    W: np.ndarray

    def __call__(self, x):
        """Mapped rows in the precision of x. Raises: ValueError unless x has D features."""
        x = _features("x", x, len(self.shift))
        if self.W.ndim == 1:
            return (x - self.shift) * self.W
        rows = x.reshape(-1, x.shape[-1])
        y = np.empty((len(rows), self.W.shape[1]), dtype=x.dtype)
        for block, centred in _centred(rows, self.shift):
            np.matmul(centred, self.W, out=y[block])
        return y.reshape(*x.shape[:-1], y.shape[1])

    def inverse(self, y):
        """Rows x that map to y, by the pseudo-inverse: what a map of lower rank dropped does not come back."""
        if self.W.ndim == 1:
            return _features("y", y, len(self.W)) / self.W + self.shift
        y = _features("y", y, self.W.shape[1])
        return y @ np.linalg.pinv(self.W).astype(y.dtype) + self.shift


def min_max(X, *, low=0.0, high=1.0):
    """Each feature of X (N, D) from its smallest value at `low` to its largest at `high`; a constant one goes to `low`.

    Raises: ValueError unless X holds finite numbers (N, D) with N >= 1 and low < high.
    """
    X = _data("min_max", X)
    if not -np.inf < low < high < np.inf:
        raise ValueError(f"min_max: low={low!r}, high={high!r}, expected low < high")
    smallest, largest = X.min(axis=0), X.max(axis=0)
    W = (high - low) / _one_if_zero(largest - smallest)  # (1.38)
    return Affine(smallest - low / W, W)


def z_score(X):
    """Each feature of X (N, D) with mean 0 and variance 1; a constant one goes to 0, and back to its constant.

    Differs: scikit-learn treats as constant what varies within rounding of its mean, too.
    Raises: ValueError unless X holds finite numbers (N, D) with N >= 1.
    """
    X = _data("z_score", X)
    mu = _mean(X)
    sigma = ((X - mu) ** 2).mean(axis=0) ** 0.5  # (1.40)
    return Affine(mu, 1 / _one_if_zero(sigma))  # (1.41)


def pca_whitening(X, *, eps=0.0):
    """Uncorrelated components of variance 1, the largest first: rotate to the principal axes, divide by the deviations.

    `eps` is added to each variance. With eps = 0 directions of no variance, that is of less than D machine epsilons
    of the largest one, are dropped: W (D, d) with d the rank.
    Source: Kessy, Lewin and Strimmer 2018. Differs: scikit-learn's PCA divides variances by N - 1.
    Raises: ValueError unless X holds finite numbers (N, D) with N >= 1 and eps >= 0.
    """
    mu, U, scale = _principal("pca_whitening", X, eps)
    return Affine(mu, U * scale)  # (P.21)


def zca_whitening(X, *, eps=0.0):
    """The whitening that changes the data least: rotate to the principal axes, divide, and rotate back; W (D, D).

    Source: Bell and Sejnowski 1997; Kessy, Lewin and Strimmer 2018. Raises: as `pca_whitening`.
    """
    mu, U, scale = _principal("zca_whitening", X, eps)
    return Affine(mu, (U * scale) @ U.T)  # (P.23)


def covariance(X):
    """Mean (D,) and covariance (D, D) of X (N, D), divided by N, accumulated in double precision."""
    mu = _mean(X)
    C = np.zeros((X.shape[1], X.shape[1]))
    for _, centred in _centred(X, mu):
        C += centred.T @ centred
    return mu, C / len(X)


def _centred(X, shift):
    """Slices of the rows and the rows minus shift, block by block, in one buffer."""
    buffer = np.empty((min(_BLOCK, len(X)), X.shape[1]), dtype=X.dtype)
    for i in range(0, len(X), _BLOCK):
        block = slice(i, min(i + _BLOCK, len(X)))
        yield block, np.subtract(X[block], shift, out=buffer[: block.stop - i], casting="same_kind")


def _mean(X):
    """The mean (D,) in the precision of X, exact for a constant feature."""
    constant = X.max(axis=0) == X.min(axis=0)
    return np.where(constant, X[0], X.mean(axis=0, dtype=np.float64)).astype(X.dtype)  # (1.39)


def _principal(owner, X, eps):
    """The mean, the principal axes (D, d) of variance > 0 and 1 / (their deviations), largest variance first."""
    X = _data(owner, X)
    if not 0 <= eps < np.inf:
        raise ValueError(f"{owner}: eps={eps!r}, expected a number >= 0")
    mu, C = covariance(X)
    variance, U = np.linalg.eigh(C)
    tiny = X.shape[1] * np.finfo(X.dtype).eps * max(variance[-1], 0.0)
    kept = np.arange(len(variance))[::-1] if eps > 0 else np.flatnonzero(variance > tiny)[::-1]
    scale = (np.maximum(variance[kept], 0.0) + eps) ** -0.5
    return tuple(part.astype(X.dtype) for part in (mu, U[:, kept], scale))


def _one_if_zero(size):
    return np.where(size == 0, np.ones_like(size), size)


def _data(owner, X):
    X = np.asarray(X)
    X = X if np.issubdtype(X.dtype, np.floating) else X.astype(float)
    if X.ndim != 2 or not X.size:
        raise ValueError(f"{owner}: X of shape {X.shape}, expected (N, D) with N, D >= 1")
    if not np.isfinite(X.min()) or not np.isfinite(X.max()):
        raise ValueError(f"{owner}: X has entries that are NaN or infinite, expected finite numbers")
    return X


def _features(key, x, D):
    x = np.asarray(x)
    x = x if np.issubdtype(x.dtype, np.floating) else x.astype(float)
    if x.ndim < 1 or x.shape[-1] != D:
        raise ValueError(f"{key} has shape {x.shape}, expected (..., {D})")
    return x

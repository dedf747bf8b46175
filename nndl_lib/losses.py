"""Losses of N examples `loss, vjp = f(outputs, targets)` on NumPy arrays, and the softmax.

A loss is the mean over the examples; `vjp(1)` is `(its gradient with respect to the outputs, None)`. The losses of
`networks` are these for R networks at once, on torch tensors and differentiated by torch.
"""

import numpy as np
from scipy.special import expit


def softmax(z):
    """Probabilities of the scores z (..., C), without overflow.

    Equations (F.38), (F.45). Raises: ValueError for a score that is NaN or +inf, or no scores.
    """
    z = np.asarray(z, dtype=float)
    if z.ndim == 0 or z.shape[-1] == 0 or not (z.max(axis=-1) < np.inf).all():
        raise ValueError(f"softmax: z of shape {z.shape}, expected scores (..., C) below infinity and not NaN")
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    s = e / e.sum(axis=-1, keepdims=True)  # (F.38)

    def vjp(ds):
        return (s * (ds - (s * ds).sum(axis=-1, keepdims=True)),)  # (F.45)

    return s, vjp


def squared_error(y, t):
    """Half the squared distance of the outputs y (N, C) from the targets t (N, C), the mean over N.

    Equation (F.55). Raises: ValueError for other shapes.
    """
    y, t = _pair("squared_error", y, t)
    d = y - t

    def vjp(dloss):
        return dloss * d / len(y), None

    return (d * d).sum() / 2 / len(y), vjp  # (F.55)


def binary_cross_entropy(z, t):
    """Cross-entropy of the targets t (N, C) in [0, 1] and the probabilities logistic(z), z (N, C), the mean over N.

    Computed from the net inputs z, so it is finite however sure the unit is.
    Equations (F.47), (F.53). Raises: ValueError for other shapes or a target outside [0, 1].
    """
    z, t = _pair("binary_cross_entropy", z, t)
    if not ((t >= 0) & (t <= 1)).all():
        raise ValueError("binary_cross_entropy: t has entries outside [0, 1], expected probabilities")

    def vjp(dloss):
        return dloss * (expit(z) - t) / len(z), None  # (F.53)

    return (np.logaddexp(0.0, z) - t * z).sum() / len(z), vjp  # (F.47)


def cross_entropy(z, t):
    """Cross-entropy of the targets t (N, C), rows of probabilities, and softmax(z), z (N, C), the mean over N.

    Equations (F.48), (F.54). Raises: ValueError for other shapes or a row of t that is no distribution.
    """
    z, t = _pair("cross_entropy", z, t)
    if not ((t >= 0).all() and np.allclose(t.sum(axis=-1), 1)):
        raise ValueError("cross_entropy: t has rows that are no probabilities, expected entries >= 0 with the sum 1")
    top = z.max(axis=-1, keepdims=True)
    log_s = z - top - np.log(np.exp(z - top).sum(axis=-1, keepdims=True))

    def vjp(dloss):
        return dloss * (np.exp(log_s) - t) / len(z), None  # (F.54)

    return -(t * log_s).sum() / len(z), vjp  # (F.48)


def _pair(owner, y, t):
    y, t = np.asarray(y, dtype=float), np.asarray(t, dtype=float)
    if y.ndim != 2 or y.shape != t.shape or 0 in y.shape:
        raise ValueError(f"{owner}: outputs and targets of shapes {y.shape}, {t.shape}, expected the same (N, C)")
    if not (np.isfinite(y).all() and np.isfinite(t).all()):
        raise ValueError(f"{owner}: outputs or targets have entries that are NaN or infinite, expected finite numbers")
    return y, t

"""Random starting weights: a variance `f(fan_in, fan_out)` times a distribution `f(rng, shape, variance)`.

The fans of a unit are the numbers of its inputs and of the units that it feeds. Matrices have one column per unit,
shape (fan_in, fan_out), as the networks of the book do; torch stores the transpose, see `pytorch.initialize`.
"""

from math import prod

import numpy as np


def fixed(fan_in, fan_out, *, std=0.01):
    """The variance std^2, whatever the fans. Raises: ValueError unless the fans are >= 1 and std >= 0."""
    _check_fans(fan_in, fan_out)
    return _number("std", std, 0) ** 2


def lecun(fan_in, fan_out, *, gain=1.0):
    """The variance that keeps the size of the signal forward. Source: LeCun et al. 1998, section 4.6."""
    _check_fans(fan_in, fan_out)
    return _number("gain", gain, 0) ** 2 / fan_in  # (1.33)


def xavier(fan_in, fan_out, *, gain=1.0):
    """The compromise between forward and backward; gain 1 for tanh, 4 for the logistic function.

    Source: Glorot and Bengio 2010, equation (12). Raises: ValueError unless the fans are >= 1 and gain >= 0.
    """
    _check_fans(fan_in, fan_out)
    return _number("gain", gain, 0) ** 2 * 2 / (fan_in + fan_out)  # (1.35)


def he(fan_in, fan_out, *, slope=0.0):
    """The forward variance for ReLU, or for leaky ReLU with `slope` below 0; the backward one is `he(fan_out, fan_in)`.

    Source: He et al. 2015, equations (10) and (15). Raises: ValueError unless the fans are >= 1.
    """
    _check_fans(fan_in, fan_out)
    return 2 / ((1 + _number("slope", slope) ** 2) * fan_in)  # (I.23)


def normal(rng, shape, variance):
    """Independent normal weights of mean 0."""
    return rng.standard_normal(shape) * _number("variance", variance, 0) ** 0.5


def uniform(rng, shape, variance):
    """Independent weights, uniform on [-r, r] with r = (3 variance)^(1/2)."""
    r = (3 * _number("variance", variance, 0)) ** 0.5  # (1.37)
    return rng.uniform(-r, r, shape)


def orthogonal(rng, shape, variance=None):
    """A matrix (n, m) with orthonormal columns, or rows if n < m, uniform among all of them.

    With `variance` it is scaled so that its entries have this mean square: he(n, n) makes the gain sqrt(2).
    Source: Saxe, McClelland and Ganguli 2014; the signs of R after Mezzadri 2007, section 5.
    Differs: `torch.nn.init.orthogonal_` takes the gain. Raises: ValueError unless the shape is (n, m).
    """
    n, m = _matrix("orthogonal", shape)
    Q, R = np.linalg.qr(rng.standard_normal((max(n, m), min(n, m))))
    Q = Q * np.where(np.diag(R) < 0, -1.0, 1.0)
    scale = 1.0 if variance is None else (_number("variance", variance, 0) * max(n, m)) ** 0.5
    return scale * (Q if n >= m else Q.T)


def sparse(rng, shape, variance=None, *, k=10):
    """A matrix (n, m) with k normal weights in each column, at random places, and zeros elsewhere.

    A column has the same expected sum of squares as a dense one of `variance`, by default 1/n: 1 in all.
    Source: Martens 2010, section 5 (k = 15, unit variance).
    Differs: `torch.nn.init.sparse_` takes the fraction of zeros.
    Raises: ValueError unless the shape is (n, m) and k is from 1 to n.
    """
    n, m = _matrix("sparse", shape)
    if not (isinstance(k, (int, np.integer)) and 1 <= k <= n):
        raise ValueError(f"sparse: k={k!r}, expected an integer from 1 to n = {n}")
    variance = 1 / n if variance is None else _number("variance", variance, 0)
    W = np.zeros((n, m))
    rows = np.argsort(rng.random((n, m)), axis=0)[:k]
    np.put_along_axis(W, rows, rng.standard_normal((k, m)) * (variance * n / k) ** 0.5, axis=0)
    return W


def fans(shape):
    """(fan_in, fan_out) of a weight in torch's layout: (out, in) or, for a convolution, (out, in, *kernel).

    Each output of a convolution sees in * prod(kernel) inputs; with stride 1 each input feeds out * prod(kernel).
    Raises: ValueError unless the shape has two axes or more, all >= 1.
    """
    shape = tuple(shape)
    if len(shape) < 2 or min(shape) < 1:
        raise ValueError(f"fans: shape {shape}, expected (out, in, *kernel), all >= 1")
    out, n, *kernel = shape
    return n * prod(kernel), out * prod(kernel)


def _check_fans(fan_in, fan_out):
    for key, n in {"fan_in": fan_in, "fan_out": fan_out}.items():
        if not (isinstance(n, (int, np.integer)) and n >= 1):
            raise ValueError(f"{key}={n!r}, expected an integer >= 1")


def _number(key, value, low=-np.inf):
    if not (np.ndim(value) == 0 and low <= value < np.inf and value > -np.inf):
        raise ValueError(f"{key}={value!r}, expected a finite number" + (f" >= {low}" if low > -np.inf else ""))
    return float(value)


def _matrix(owner, shape):
    if len(shape) != 2 or min(shape) < 1:
        raise ValueError(f"{owner}: shape {tuple(shape)}, expected (n, m) with n, m >= 1")
    return tuple(shape)

"""Activation functions `y, vjp = f(x)` of NumPy arrays, entry by entry; `vjp(dy)` is `(dy * f'(x),)`."""

import numpy as np
from scipy.special import expit, ndtr


def logistic(x):
    """The logistic function of x, of any shape, without overflow. Equation (F.3)."""
    y = expit(x)  # (F.3)

    def vjp(dy):
        return (dy * y * (1 - y),)  # (F.4)

    return y, vjp


def tanh(x):
    """The hyperbolic tangent of x. Equation (F.12)."""
    y = np.tanh(x)

    def vjp(dy):
        return (dy * (1 - y * y),)  # (F.12)

    return y, vjp


def relu(x):
    """The positive part of x; the derivative at 0 is taken as 0, as in torch. Equation (F.13)."""
    x = np.asarray(x, dtype=float)

    def vjp(dy):
        return (dy * (x > 0),)

    return np.maximum(x, 0.0), vjp  # (F.13)


def leaky_relu(x, *, slope=0.01):
    """x where it is positive, else slope times x; the derivative at 0 is the slope.

    Equation (F.14). Source: Maas et al. 2013. Raises: ValueError unless slope is finite.
    """
    if not np.isfinite(slope):
        raise ValueError(f"leaky_relu: slope={slope!r}, expected a finite number")
    x = np.asarray(x, dtype=float)
    factor = np.where(x > 0, 1.0, slope)

    def vjp(dy):
        return (dy * factor,)

    return np.where(x > 0, x, slope * x), vjp  # (F.14)


def softplus(x):
    """log(1 + exp(x)) without overflow; its derivative is the logistic function. Equation (F.15)."""

    def vjp(dy):
        return (dy * expit(x),)

    return np.logaddexp(0.0, x), vjp  # (F.15)


def silu(x):
    """x times its logistic function, also called Swish.

    Equation (F.16). Source: Hendrycks and Gimpel 2016; Ramachandran et al. 2017.
    """
    x = np.asarray(x, dtype=float)
    s = expit(x)

    def vjp(dy):
        return (dy * s * (1 + x * (1 - s)),)

    return x * s, vjp  # (F.16)


def gelu(x):
    """x times the normal distribution function at x.

    Equation (F.17). Source: Hendrycks and Gimpel 2016. Differs: `F.gelu(x, approximate="tanh")` approximates it.
    """
    x = np.asarray(x, dtype=float)

    def vjp(dy):
        density = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
        return (dy * (ndtr(x) + x * density),)

    return x * ndtr(x), vjp  # (F.17)

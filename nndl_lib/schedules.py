"""Schedules: `alpha = schedule(t, **constants)`, the learning rate at step t = 0, 1, 2, ...

`t` is a number or an array, in the unit that the caller counts in (updates or epochs); `lr` is the base rate alpha_0.
`functools.partial` configures a schedule, and the result can stand wherever a constant of a rule stands:
`trajectory(sgd, grad, theta, 100, lr=partial(cosine, lr=0.1, T=100))`.
"""

from numbers import Real

import numpy as np


def _steps(name, t, **positive):
    """`t` as float64 array, checked; each keyword must be positive."""
    for key, value in positive.items():
        if not (isinstance(value, Real) and 0 < value < np.inf):
            raise ValueError(f"{name}: {key}={value!r}, expected a number > 0")
    try:
        array = np.asarray(t, dtype=float)
    except (TypeError, ValueError):
        array = np.array(np.nan)
    if not ((array >= 0) & (array < np.inf)).all():
        raise ValueError(f"{name}: t={t!r}, expected finite numbers >= 0")
    return array


def _as(t, alpha):
    """A float for a number, an array for an array."""
    return float(alpha) if np.ndim(t) == 0 else np.broadcast_to(alpha, np.shape(t)) + 0.0


def constant(t, *, lr=0.1):
    """The same rate at every step; `t` of any shape. Equation (O.12)."""
    _steps("constant", t, lr=lr)
    return _as(t, lr)  # (O.12)


def piecewise(t, *, lr=0.1, boundaries=(100, 200), factors=(0.1, 0.01)):
    """The rate `lr`, and from the step `boundaries[i]` on `lr * factors[i]`. Equation (O.13).

    Differs: torch's MultiStepLR multiplies by one factor at each boundary.
    Raises: ValueError unless the boundaries increase and each has a positive factor.
    """
    if len(boundaries) != len(factors) or any(b <= a for a, b in zip(boundaries, boundaries[1:], strict=False)):
        raise ValueError(f"piecewise: boundaries={boundaries!r}, factors={factors!r}, expected increasing, as many")
    levels = np.array([1.0, *factors])
    if not (levels > 0).all():
        raise ValueError(f"piecewise: factors={factors!r}, expected numbers > 0")
    array = _steps("piecewise", t, lr=lr)
    return _as(t, lr * levels[np.searchsorted(boundaries, array, side="right")])  # (O.13)


def inverse_time(t, *, lr=0.1, beta=0.01):
    """The rate falls as 1/t: half of `lr` at t = 1/beta. Equation (1.5)."""
    return _as(t, lr / (1 + beta * _steps("inverse_time", t, lr=lr, beta=beta)))  # (1.5)


def exponential(t, *, lr=0.1, beta=0.99):
    """The rate is multiplied by `beta` at each unit of `t`. Equation (1.6).

    Raises: ValueError unless 0 < beta <= 1.
    """
    if not (isinstance(beta, Real) and 0 < beta <= 1):
        raise ValueError(f"exponential: beta={beta!r}, expected a factor in (0, 1]")
    return _as(t, lr * beta ** _steps("exponential", t, lr=lr))  # (1.6)


def natural_exponential(t, *, lr=0.1, beta=0.01):
    """The rate falls by the factor e in 1/beta units of `t`. Equation (1.7)."""
    array = _steps("natural_exponential", t, lr=lr, beta=beta)
    return _as(t, lr * np.exp(-beta * array))  # (1.7)


def cosine(t, *, lr=0.1, lr_min=0.0, T=100):
    """Half a cosine from `lr` at t = 0 to `lr_min` at t = T, and `lr_min` after it. Equation (O.14).

    Source: Loshchilov and Hutter 2017, equation (5). Differs: torch's CosineAnnealingLR rises again after T.
    """
    s = np.minimum(_steps("cosine", t, lr=lr, T=T) / T, 1)
    _between("cosine", lr, lr_min)
    return _as(t, _half_cosine(lr, lr_min, s))  # (O.14)


def warmup(t, *, after=constant, steps=10):
    """Rise linearly to `after(0)` in `steps` steps, then follow the schedule `after` from its start. Equation (O.15).

    The first rate is after(0)/steps, not 0, so that no step is lost. Source: Goyal et al. 2017, section 2.2.
    Raises: TypeError unless `after` is callable.
    """
    if not callable(after):
        raise TypeError(f"warmup: after={after!r}, expected a schedule, a callable of t")
    array = _steps("warmup", t, steps=steps)
    ramp = np.minimum((array + 1) / steps, 1) * after(0)
    return _as(t, np.where(array < steps, ramp, after(np.maximum(array - steps, 0))))  # (O.15)


def triangular(t, *, lr=0.1, lr_min=0.01, T=100):
    """Up from `lr_min` to `lr` and down again, linearly, in cycles of length `T`. Equation (O.16).

    Source: Smith 2017, section 3.2, where the half cycle T/2 is called stepsize.
    """
    s = _steps("triangular", t, lr=lr, T=T) % T / T
    _between("triangular", lr, lr_min)
    return _as(t, lr_min + (lr - lr_min) * (1 - np.abs(1 - 2 * s)))  # (O.16)


def restarts(t, *, lr=0.1, lr_min=0.0, T=10, factor=1):
    """SGDR: a cosine from `lr` to `lr_min`, restarted at its end; each cycle is `factor` times longer. Equation (O.17).

    Source: Loshchilov and Hutter 2017, equation (5), whose T_0 and T_mult are `T` and `factor`.
    Raises: ValueError unless factor >= 1.
    """
    array = _steps("restarts", t, lr=lr, T=T)
    _between("restarts", lr, lr_min)
    if not (isinstance(factor, Real) and 1 <= factor < np.inf):
        raise ValueError(f"restarts: factor={factor!r}, expected a number >= 1")
    if factor == 1:
        start, length = array // T * T, T
    else:
        cycle = np.floor(np.log1p(array * (factor - 1) / T) / np.log(factor) + 1e-12)
        start, length = T * (factor**cycle - 1) / (factor - 1), T * factor**cycle
    return _as(t, _half_cosine(lr, lr_min, (array - start) / length))  # (O.17)


def _half_cosine(lr, lr_min, s):
    return lr_min + (lr - lr_min) * (1 + np.cos(np.pi * s)) / 2


def linear_scaling(K, *, lr=0.1, K_ref=32):
    """The rate for batch size `K`, in proportion, given the rate `lr` that suits `K_ref`. Equation (O.5).

    Source: Goyal et al. 2017, section 2.1.
    Raises: ValueError unless K >= 1.
    """
    K = np.asarray(K)
    if not (K >= 1).all():
        raise ValueError(f"linear_scaling: K={K!r}, expected a batch size >= 1")
    _steps("linear_scaling", 0, lr=lr, K_ref=K_ref)
    return _as(K, lr * K / K_ref)  # (O.5)


def _between(name, lr, lr_min):
    if not (isinstance(lr_min, Real) and 0 <= lr_min <= lr):
        raise ValueError(f"{name}: lr_min={lr_min!r}, expected a number in [0, lr={lr!r}]")

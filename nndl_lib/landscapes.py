"""Surfaces of two parameters on which a method can be watched: `Landscape(f, grad, minimum, window, start)`.

`f` and `grad` take arrays `theta` of shape (..., 2): one point, or any number of points at once.
The curvature of a network's loss is in `curvature`.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np


class Landscape(NamedTuple):
    """A surface: loss `f(theta) -> (...)`, gradient `grad(theta) -> (..., 2)`, a minimum (None where there is none),
    the window (low_1, high_1, low_2, high_2) worth drawing, and a starting point."""

    f: Callable
    grad: Callable
    minimum: tuple | None
    window: tuple
    start: tuple


def _pair(theta):
    theta = np.asarray(theta, dtype=float)
    if theta.shape[-1:] != (2,):
        raise ValueError(f"theta: shape {theta.shape}, expected (..., 2)")
    return theta[..., 0], theta[..., 1]


def quadratic(*, h1=1.0, h2=20.0):
    """f = (h1 x^2 + h2 y^2) / 2, an elliptic bowl of condition number h2/h1. Equation (O.30).

    Raises: ValueError unless both curvatures are positive.
    """
    if not (h1 > 0 and h2 > 0):
        raise ValueError(f"quadratic: h1={h1!r}, h2={h2!r}, expected curvatures > 0")
    h = np.array([h1, h2])

    def f(theta):
        x, y = _pair(theta)
        return (h1 * x * x + h2 * y * y) / 2

    def grad(theta):
        _pair(theta)
        return h * theta

    return Landscape(f, grad, (0.0, 0.0), (-2.5, 1.0, -1.2, 1.2), (-2.0, 1.0))


def saddle():
    """f = (x^2 - y^2) / 2 with a saddle point at the origin: down along y, without end."""

    def f(theta):
        x, y = _pair(theta)
        return (x * x - y * y) / 2

    def grad(theta):
        _pair(theta)
        return np.array([1.0, -1.0]) * theta

    return Landscape(f, grad, None, (-1.2, 1.2, -1.2, 1.2), (1.0, 1e-6))


def rosenbrock(*, a=1.0, b=100.0):
    """f = (a - x)^2 + b (y - x^2)^2, a curved valley with flat floor. Source: Rosenbrock 1960."""

    def f(theta):
        x, y = _pair(theta)
        return (a - x) ** 2 + b * (y - x * x) ** 2

    def grad(theta):
        x, y = _pair(theta)
        return np.stack([-2 * (a - x) - 4 * b * x * (y - x * x), 2 * b * (y - x * x)], axis=-1)

    return Landscape(f, grad, (a, a * a), (-2.0, 2.0, -1.0, 3.0), (-1.5, 2.0))


def beale():
    """Beale's function: steep walls around a flat, bent valley with its minimum at (3, 0.5). Source: Beale 1958."""
    targets = ((1, 1.5), (2, 2.25), (3, 2.625))

    def f(theta):
        x, y = _pair(theta)
        return sum((c - x + x * y**k) ** 2 for k, c in targets)

    def grad(theta):
        x, y = _pair(theta)
        dx = sum(2 * (c - x + x * y**k) * (y**k - 1) for k, c in targets)
        dy = sum(2 * (c - x + x * y**k) * k * x * y ** (k - 1) for k, c in targets)
        return np.stack([dx, dy], axis=-1)

    return Landscape(f, grad, (3.0, 0.5), (-1.0, 4.5, -1.5, 2.0), (0.5, 1.7))


def _logistic(z):
    return 0.5 * (1 + np.tanh(z / 2))


def rnn_states(theta, *, h0=0.3, steps=100):
    """The states h_0 ... h_steps of the one-unit network h = logistic(w h + b), shape (steps + 1, ...)."""
    w, b = _pair(theta)
    states = [np.broadcast_to(float(h0), w.shape)]
    for _ in range(steps):
        states.append(_logistic(w * states[-1] + b))
    return np.stack(states)


def _rnn_loss(theta, h0, target, steps):
    return (rnn_states(theta, h0=h0, steps=steps)[-1] - target) ** 2


def _rnn_gradient(theta, h0, target, steps):
    w, _ = _pair(theta)
    h = rnn_states(theta, h0=h0, steps=steps)
    dh, dw, db = 2 * (h[-1] - target), np.zeros_like(w), np.zeros_like(w)
    for t in range(steps, 0, -1):
        dz = dh * h[t] * (1 - h[t])
        dw, db, dh = dw + dz * h[t - 1], db + dz, dz * w
    return np.stack([dw, db], axis=-1)


def rnn_cliff(*, h0=0.3, target=0.65, steps=100):
    """The loss (h_100 - 0.65)^2 of the one-unit recurrent network, over theta = (w, b). Equation (O.53), Figure 1.5.

    Source: after Pascanu, Mikolov and Bengio 2013, figure 6, whose unit has another nonlinearity and start.
    """
    constants = dict(h0=h0, target=target, steps=steps)
    f, grad = partial(_rnn_loss, **constants), partial(_rnn_gradient, **constants)
    return Landscape(f, grad, None, (4.0, 8.0, -4.5, -1.0), (5.0, -1.5))

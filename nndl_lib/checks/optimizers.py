"""The exercises of the chapters on optimizers."""

import numpy as np

from ..optimizers import adam
from .kinds import close, functions, parts, values


def _adam_moves(count):
    """How Adam moves two tensors in three steps where `count(step, i)` is the t used for tensor i."""
    path = []
    for i, gradients in enumerate(_GRADIENTS):
        M = G = theta = 0
        for step, g in enumerate(gradients, start=1):
            _, _, M, G = adam(g, 0, M, G)
            t = count(step, i)
            theta = theta - 0.1 * (M / (1 - 0.9**t)) / (G / (1 - 0.999**t)) ** 0.5
        path.extend(theta)
    return path


_GRADIENTS = (np.array([[1.0, -2.0], [3.0, 1.0], [-1.0, 4.0]]), np.array([[0.5], [2.0], [-3.0]]))


def _bug_adam_t(step):
    """The exercise's `step(params, grads, state, lr=...)` over three steps on two parameter tensors."""
    params = [np.ones(2), np.ones(1)]
    state = {"t": 0, "M": [0.0, 0.0], "G": [0.0, 0.0]}
    with np.errstate(all="ignore"):
        for grads in zip(*_GRADIENTS, strict=True):
            step(params, list(grads), state, lr=0.1)
    moves = np.concatenate([np.ravel(p) for p in params]) - 1
    if not np.isfinite(moves).all():
        return "F"
    if close(moves, np.zeros(3)):
        return "E"
    counts = (
        (None, lambda s, i: s),
        ("A", lambda s, i: 2 * (s - 1) + i + 1),
        ("A", lambda s, i: 3 * (s - 1) + i + 2),
        ("A", lambda s, i: 2 * s),
        ("B", lambda s, i: 1),
        ("C", lambda s, i: s + 1),
        ("D", lambda s, i: i + 1),
    )
    return next((letter for letter, count in counts if close(moves, _adam_moves(count))), "?")


def _bug_epsilon(step):
    """The exercise's `step(theta, g, G, lr=, beta=, eps=) -> theta, G` with no, large and tiny gradients."""
    g, start = np.array([0, 2, -2, 1e-6, -1e-6, 3]), np.array([0.0, 0, 0, 0, 0, 4])
    with np.errstate(all="ignore"):
        result = step(np.ones(6), g.copy(), start.copy(), lr=0.1, beta=0.9, eps=1e-3)
    if not isinstance(result, tuple | list) or [np.shape(part) for part in result] != [(6,), (6,)]:
        raise TypeError("return theta, G")
    theta, G = (np.asarray(part, dtype=float) for part in result)
    average = 0.9 * start + 0.1 * g * g
    moves, large, tiny = theta - 1, [1, 2, 5], [3, 4]
    mistakes = {
        "A": not np.isfinite(theta).all(),
        "B": abs(moves[0]) > 1e-12,
        "C": not np.allclose(G, average, rtol=1e-9, atol=1e-15),
        "D": (moves * g > 0).any(),
        "F": abs(moves[tiny]).max() > 1e-3,
        "?": not close(moves[large], -0.1 * g[large] / average[large] ** 0.5),
    }
    return next((letter for letter, made in mistakes.items() if made), None)


EXERCISES = {
    "1-1": functions(
        [(1, 0.5), (2, 0.5), (4, 0.9), (3, 0.0)],
        lambda t, rho: (1 - rho) * rho ** np.arange(t - 1.0, -1, -1),
        A=lambda t, rho: rho ** np.arange(t - 1.0, -1, -1),
        B=lambda t, rho: -(1 - rho) * rho ** np.arange(t - 1.0, -1, -1),
        C=lambda t, rho: (1 - rho) * rho ** np.arange(0.0, t),
        D=lambda t, rho: (1 - rho) * rho ** np.arange(t, 0.0, -1),
        E=lambda t, rho: (1 - rho) * rho ** np.arange(t - 1.0, -1, -1) / (1 - rho**t),
        F=lambda t, rho: np.ones(t) / t,
        G=lambda t, rho: np.append(rho ** (t - 1), (1 - rho) * rho ** np.arange(t - 2.0, -1, -1)),
        H=lambda t, rho: np.append(rho**t, (1 - rho) * rho ** np.arange(t - 1.0, -1, -1)),
    ),
    "1-2": functions(
        [(1, 0.5), (2, 0.9), (10, 0.99)],
        lambda t, beta: beta / (1 - beta) - t * beta**t / (1 - beta**t),
        A=lambda t, beta: beta * (1 - beta**t) / (1 - beta),
        B=lambda t, beta: beta / (1 - beta),
        C=lambda t, beta: t * beta**t / (1 - beta**t) - beta / (1 - beta),
        D=lambda t, beta: beta * (1 - beta**t) / (1 - beta) - t * beta**t,
        E=lambda t, beta: 1 / (1 - beta),
    ),
    "7-1": parts(
        (0.4, 8**0.5, 19 / 12, 640, 32 / 11, 8**0.5),
        A=(0, 0.05 * 8**0.5),
        B=(0, 0.05 / 8),
        C=(1, 8),
        D=(1, 1),
        E=(1, 8**-0.5),
        F=(2, 1),
        G=(2, 12 / 19),
        H=(3, 320),
        I=(3, 1280),
        J=(4, 8),
        K=(4, 11 / 32),
        L=(5, 8),
        M=(5, 1),
    ),  # fmt: skip
    "7-3": parts(
        (1, -0.5, -(21**-0.5), -(3.5**-0.5), 2 / 7, 0.4 / 8.01**0.5),
        A=(0, 0.5),
        B=(0, 4.75),
        C=(0, 4 / 7),
        D=(1, 1),
        E=(1, 1.5),
        F=(2, -(7**-0.5)),
        G=(2, -1 / 21),
        H=(3, -0.5),
        I=(3, -(7**-0.5)),
        J=(4, 0.5 / 3.5**0.5),
        K=(4, 0.5),
        L=(4, -0.5),
        M=(5, 0),
        N=(5, 0.4 / 16.01**0.5),
        O=(5, 0.1 / 8.01**0.5),
    ),  # fmt: skip
    "bug-1": _bug_adam_t,
    "bug-2": _bug_epsilon,
    "adaptive-1": values(44, rtol=1e-3, A=22, B=10, C=43, D=43.80),
    "adam-1": values((0.5, 0.19 / 0.28), A=(1, 1), B=(2.5, 0.19 / 0.0784), C=(2, 0.28 / 0.19), D=(0.5, 0.5)),
    "clipping-1": parts((-3.2473, 1.68), A=(0, -4), B=(1, 2), C=(1, 0.21), D=(0, -1.5527)),
    "minibatch-1": parts(
        (16, 1.25, 0.4), A=(0, 15, 15.625), B=(1, 100 / 64), C=(1, 2.5), D=(1, 0.8), E=(2, 0.2), F=(2, 0.025)
    ),
    "schedules-1": parts(
        (0.99, 0.01**0.01, np.log(100) / 100),
        A=(0, 1.0),
        B=(1, np.log(100) / 100),
        C=(2, 0.02),
        D=(2, 0.01**0.01),
        E=(2, -np.log(100) / 100),
    ),  # fmt: skip
    "momentum-1": values((0.04, 0.64), A=(2 / 82, 0), B=(0.04, 0.8), C=(0.2, 0.64), D=(0.64, 0.04)),
    "comparison-1": values(
        (-0.8, -4 / 10.25**0.5, -11 / 3 / (41 / 3) ** 0.5),
        A=(0.8, 4 / 10.25**0.5, 11 / 3 / (41 / 3) ** 0.5),
        B=(-0.8, -4 / 10.25**0.5, -2.75 / 10.25**0.5),
        C=(-0.8, -4 / (41 / 3) ** 0.5, -11 / 3 / (41 / 3) ** 0.5),
        D=(-4 / 25, -4 / 10.25, -11 / 41),
    ),
}

"""The exercises of the chapters on initialization."""

import numpy as np

from ..initializers import he, lecun, xavier
from ..optimizers import adam
from .kinds import functions, parts


def _gain(variance):
    """The factor of the mean square of the gradient from the top of a linear network to its inputs."""
    return lambda widths: np.prod([m * variance(n, m) for n, m in _layers(widths)])


def _layers(widths):
    return list(zip(widths[:-1], widths[1:], strict=True))


EXERCISES = {
    "symmetry-1": parts(
        (np.log(100), 99, 4999.5), A=(0, 2), B=(1, 100), C=(2, 9999), D=(0, 99), E=(1, 4999.5), F=(2, 999999 / 3)
    ),
    "variance-scaling-1": parts(
        ((6 / 400) ** 0.5, 4 * (6 / 400) ** 0.5, (2 / 300) ** 0.5),
        A=(0, 4 * (6 / 400) ** 0.5),
        B=(1, (6 / 400) ** 0.5),
        C=(0, (2 / 400) ** 0.5),
        D=(1, 4 * (2 / 400) ** 0.5),
        E=(2, 2 / 300),
        F=(2, (2 / 100) ** 0.5, 2 / 100),
        G=(2, (1 / 300) ** 0.5, (1 / 600) ** 0.5, (2 / 400) ** 0.5, (4 / 400) ** 0.5),
    ),
    "orthogonal-sparse-1": parts(
        (2 / 3, 4 / 3, -np.log(2**0.01 - 1)),
        A=(0, 4 / 9),
        B=(1, 16 / 9),
        C=(0, 2, -2),
        D=(1, 4),
        E=(2, 2**-0.01),
        F=(2, np.log(2**0.01 - 1)),
        G=(2, 0),
    ),
    "pretraining-1": parts(
        (0.6, 0.24, 0.1 * (1 + 4 / 35)), A=(0, 0.4), B=(1, 0.16), C=(1, 0.18, 0.06), D=(2, 0.1), E=(2, 0.1 * 4 / 35)
    ),
    "pretraining-3": functions(
        [(np.array([1.0, -2.0, 0.5]), np.array([0.1, 1.0, 0.0])), (np.array([3.0, -0.1]), np.array([0.5, 0.25]))],
        lambda g, s: s * adam(g, lr=0.1)[0],
        A=lambda g, s: adam(s * g, lr=0.1)[0],
        B=lambda g, s: -s * adam(g, lr=0.1)[0],
        C=lambda g, s: adam(g, lr=0.1)[0],
    ),
    "7-4": functions(
        [([100, 300],), ([200, 50, 400, 30],), ([30, 60, 90],)],
        _gain(xavier),
        A=_gain(lambda n, m: xavier(n, m) * n / m),
        B=lambda widths: _gain(xavier)(widths) ** 0.5,
        C=lambda widths: 1 / _gain(xavier)(widths),
        D=_gain(lecun),
        E=_gain(lambda n, m: 1 / m),
        F=_gain(lambda n, m: (1 / n + 1 / m) / 2),
        G=lambda widths: _gain(xavier)(widths[1:]),
        H=_gain(lambda n, m: 2 * xavier(n, m)),
        I=lambda widths: _gain(xavier)(widths[:-1]),
    ),
    "7-5": functions(
        [(300, 100, 0.0), (50, 400, 0.2), (80, 60, 0.5)],
        lambda n, m, s: he(n, m, slope=s),
        A=lambda n, m, s: 1 / (n * ((1 + s**2) / 2 - (1 - s) ** 2 / (2 * np.pi))),
        B=lambda n, m, s: he(m, n, slope=s),
        C=lambda n, m, s: 4 / ((1 + s**2) * (n + m)),
        D=lambda n, m, s: xavier(n, m) / 2,
        E=lambda n, m, s: lecun(n, m),
        F=lambda n, m, s: he(n, m, slope=s) ** 0.5,
        G=lambda n, m, s: 2 / ((1 + s) ** 2 * n),
        H=lambda n, m, s: he(n, m),
    ),
}

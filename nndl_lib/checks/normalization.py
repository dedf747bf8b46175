"""The exercises of the chapters on normalization."""

import numpy as np

from .kinds import close, parts, values


def _bug_bn_epsilon(forward):
    """The exercise's `forward(x, gamma, beta, eps)` on a constant unit, one of tiny spread and two others."""
    u = np.array([-1.5, 0.5, 1, -0.5, 0.5, 0])
    x = np.stack([np.zeros(6), 1e-6 * u, 2 + u, u[::-1] ** 3], axis=1)
    gamma, beta, eps = np.array([1.0, 2, 3, 0.5]), np.array([0.5, 0, -1, 2]), 1e-2
    mu, var = x.mean(axis=0), x.var(axis=0)
    with np.errstate(all="ignore"):
        y = np.asarray(forward(x.copy(), gamma.copy(), beta.copy(), eps), dtype=float)
    if y.shape != x.shape:
        raise TypeError("return an array of the shape of x")
    if not np.isfinite(y).all():
        return "A"
    fractions = {
        None: (x - mu) / (var + eps) ** 0.5,
        "C": (x - mu) / (var**0.5 + eps),
        "D": (x - mu + eps) / (var + eps) ** 0.5,
        "E": (x - mu) / (var * 6 / 5 + eps) ** 0.5,
        "F": (x - mu) / (var + eps),
        "G": (x - mu) / (var + 1e-5) ** 0.5,
        "H": (x - mu) / np.maximum(var, eps) ** 0.5,
    }
    if abs(y - beta)[:, 1].max() > 1:
        return "B"
    return next((letter for letter, z in fractions.items() if np.allclose(y, gamma * z + beta, rtol=1e-6)), "?")


def _bug_bn_running(Norm):
    """The exercise's class, `norm = Norm(n, rho=, eps=)` and `norm(x, training)`: trained on a and b, tested on c."""
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(i, i, size=(8, 3)) for i in (1, 2, 3))
    norm = Norm(3, rho=0.25, eps=1e-2)
    with np.errstate(all="ignore"):
        trained = [norm(x.copy(), True) for x in (a, b)]
        stored = np.array([norm.mean, norm.var], dtype=float)
        tested = [norm(x.copy(), False) for x in (c, c[:1], c)]

    def standard(x, mean, var):
        return (x - mean) / (var + 1e-2) ** 0.5

    def running(rho, factor=1.0):
        mean, var = np.zeros(3), np.ones(3)
        for x in (a, b):
            mean, var = mean + rho * (x.mean(axis=0) - mean), var + rho * (factor * x.var(axis=0) - var)
        return mean, var

    mistakes = {
        "D": not close(trained, [standard(x, x.mean(axis=0), x.var(axis=0)) for x in (a, b)]),
        "B": close(stored, [np.zeros(3), np.ones(3)]),
        "C": close(tested[0], standard(c, c.mean(axis=0), c.var(axis=0))),
        "A": not (close(tested[2], tested[0], 1e-9) and close([norm.mean, norm.var], stored, 1e-9)),
        "E": close(stored, running(0.75)),
        "?": not any(close(stored, running(0.25, f)) for f in (1, 8 / 7)) or not close(tested[0], standard(c, *stored)),
    }
    return next((letter for letter, made in mistakes.items() if made), None)


EXERCISES = {
    "1-3": parts(
        ((5, 4, 2, 1, 1), (4, 5), 6, 1.3125),
        A=(0, (1, 2, 1, 0, 1)),
        B=(0, (5, 5, 5, 5, 5)),
        C=(0, (5, 3, 2, 2, 1)),
        D=(0, (4, 2, 1, 1, 0)),
        E=(1, ()),
        F=(1, (3, 4, 5)),
        G=(2, 4),
        H=(2, 3),
        I=(3, 1.75),
        J=(3, 1.25),
        K=(3, 4 / 3),
        L=(3, 1),
    ),
    "7-6": parts(
        ((1, -1, 1, -1), (5.8, 4.6, -0.6, -1.8), (-4 / 3, 5 / 3, 0), (50, 200)),
        A=(0, (3, 1, 3, 1)),
        B=(0, (1 / 3, -1 / 3, 1 / 3, -1 / 3)),
        C=(0, (0.75**0.5, -(0.75**0.5), 0.75**0.5, -(0.75**0.5))),
        D=(1, (3.8, 2.6, -2.6, -3.8)),
        E=(1, (3.4, 2.2, -3, -4.2)),
        F=(1, (5.96, 5.72, -1.72, -1.96)),
        G=(2, (-12, 0.6, 0), (-4 / 3, 1 / 15, 0)),
        H=(2, (-4, 5, 0)),
        I=(2, (-4 / 3, 5 / 3, 2)),
        J=(3, (100, 200), (150, 200)),
        K=(3, (50, 100)),
        L=(3, (50, 0)),
        M=(3, (50, 250)),
    ),
    "7-7": parts(
        ((1.5, 4), (1.6, 4, 5.2, 5.2), (0.1, 0.025), (118.99, 1)),
        A=(0, (2**0.5, 4)),
        B=(0, (2**0.5 + 0.25, 4)),
        C=(0, (2.25, 4), (2, 4)),
        D=(0, (1.5, -4)),
        E=(0, ((8 / 3 + 0.25) ** 0.5, 4), ((8 / 3) ** 0.5, 4)),
        F=(1, (1, 5, 7, 7)),
        G=(1, (4 - 6 / 6**0.5, 4, 4 + 3 / 6**0.5, 4 + 3 / 6**0.5)),
        H=(2, (0.1, 0.4)),
        I=(2, (0.1, 0.05)),
        J=(2, (0.025, 0.1)),
        K=(2, (0.1, 0.1)),
        L=(3, (10.908, 1)),
        M=(3, (10, 1)),
    ),
    "bug-normalization-1": _bug_bn_epsilon,
    "bug-normalization-2": _bug_bn_running,
    "batch-norm-1": values(
        (4, -4, 0, 0, -4, 4),
        A=(8, 0, 0, 0, -4, 4),
        B=(6, -2, -2, -2, -4, 4),
        C=(2, -2, 0, 0, -4, 4),
        D=(8, 0, -4, -4, -4, 4),
        E=(-8, -16, 0, 0, -4, 4),
        F=(4, -4, 0, 0, 4, -4),
        G=(4, -4, 0, 0, 4, 4),
        H=(4, -4, 0, 0, 12, 4),
    ),
    "layer-norm-1": values(
        (-1.0954, -0.7303, 0.3651, 1.4606),
        A=(-0.9487, -0.6325, 0.3162, 1.2649),
        B=(-0.4, -0.2667, 0.1333, 0.5333),
        C=(-1, -1, 1, 1),
        D=(0, 0.3651, 1.4606, 2.5560),
    ),
    "other-norms-1": parts(
        (1.4, 0.064, -0.048, 29), A=(0, 7), B=(1, 0.4), C=(1, 0.16), D=(2, 0.4), E=(2, -0.12), F=(3, 21), G=(3, 25)
    ),
    "why-it-works-1": parts(
        (2.5, 0.0625, 0.04),
        A=(0, 3.5),
        B=(0, 40**0.5, 8),
        C=(1, 0.125),
        D=(2, 0.1),
        E=(2, 0.0625),
    ),
}

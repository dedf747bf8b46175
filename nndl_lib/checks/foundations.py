"""The exercises of the chapters on foundations."""

import numpy as np

from .kinds import functions, parts, values


def _tied(x, W, dy, *, decoder=1, encoder=1, slope=lambda h: 1 - h * h):
    """The gradient of W in y = tanh(x W) W^T, the sum of what its two uses contribute."""
    h = np.tanh(x @ W)
    return decoder * dy.T @ h + encoder * x.T @ ((dy @ W) * slope(h))


_TIED = (np.array([[1.0, -2.0, 0.5], [0.3, 1.0, -1.0]]), np.array([[0.5, -1.0], [1.0, 0.2], [-0.7, 0.4]]))


def _log_softmax(answer):
    """The exercise's `log_softmax(z)`, also on scores that overflow or underflow."""
    with np.errstate(all="ignore"):
        if not all(np.isfinite(np.asarray(answer(z.copy()), dtype=float)).all() for z in _SCORES):
            return "A"
        return functions(
            [(z,) for z in _SCORES],
            _log_s,
            B=lambda z: np.exp(_log_s(z)),
            C=lambda z: _log_s(z) + z.max(),
            D=lambda z: -_log_s(z),
        )(answer)


def _log_s(z):
    return z - z.max() - np.log(np.exp(z - z.max()).sum())


_SCORES = (np.array([3.0, 1.0, -3.0]), np.array([1000.0, 999.0, 0.0]), np.array([-1000.0, -1001.0]))


def _elu(x):
    return np.where(x > 0, x, np.expm1(x)), np.where(x > 0, 1, np.exp(x))


def _parabola(x, L, *, base=4, first=1, sign=-1):
    """x minus the sum over s of the s-fold tent of x, divided by base^s; the sum begins at `first`."""
    total, g = 0.0, x
    for s in range(L + 1):
        total = total + (g / base**s if s >= first else 0)
        g = np.minimum(2 * g, 2 - 2 * g)
    return x + sign * total


def _receptive(layers, *, overlap=1, first=1, strides=True, early=False):
    """The side of the receptive field of layers (F, S); other constants are the exercise's mistakes."""
    r, d = first, 1
    for F, S in layers:
        ahead = S * d if strides else d
        r, d = r + (F - overlap) * (ahead if early else d), ahead
    return r


EXERCISES = {
    "neuron-1": values((-2, 2), A=(-1, 1), B=(-2, 1), C=(-2, -2)),
    "neuron-2": functions(
        [(np.array([-2.0, -0.5, 0.0, 0.7, 3.0]),), (np.array([[-1.0, 1.5]]),)],
        _elu,
        A=lambda x: (_elu(x)[0], np.where(x > 0, 1, np.expm1(x))),
        B=lambda x: (_elu(x)[0], np.exp(x)),
        C=lambda x: (np.where(x > 0, x, np.exp(x)), _elu(x)[1]),
        D=lambda x: (_elu(x)[0], np.where(x > 0, 1, 0)),
    ),
    "backpropagation-1": values(
        (24, -16, 32),
        A=(24, -16, 24),
        B=(24, -16, 8),
        C=(24, -16, 4),
        D=(12, -8, 32),
        E=(72, -32, 88),
        F=(-24, 16, -32),
    ),
    "backpropagation-2": functions(
        [(*_TIED, np.array([[1.0, 0.5, -2.0], [0.1, -1.0, 3.0]]))],
        _tied,
        A=lambda x, W, dy: _tied(x, W, dy, encoder=0),
        B=lambda x, W, dy: _tied(x, W, dy, decoder=0),
        C=lambda x, W, dy: _tied(x, W, dy, slope=lambda h: h),
        D=lambda x, W, dy: _tied(x, W, dy, slope=np.ones_like),
    ),
    "softmax-cross-entropy-1": values(
        (1 / 8, -5 / 8, 1 / 2),
        A=(-1 / 8, 5 / 8, -1 / 2),
        B=(1 / 8, 3 / 8, 1 / 2),
        C=(0, -8 / 3, 0),
        D=(3 / 256, -63 / 256, 15 / 64),
    ),
    "softmax-cross-entropy-2": _log_softmax,
    "practice-1": parts((14, 43, 128), A=(0, 7, 128), B=(1, 49), C=(2, 127)),
    "practice-2": functions(
        [(np.linspace(0, 1, 33), L) for L in (1, 2, 4)],
        _parabola,
        A=lambda x, L: _parabola(x, L, base=2),
        B=lambda x, L: _parabola(x, L, first=0),
        C=lambda x, L: _parabola(x, L, sign=1),
    ),
    "convolution-1": parts(
        (16, 7, 1216, 7850),
        A=(0, 16.5, 17),
        B=(0, 14, 14.5, 15, 15.5),
        C=(1, 7.5, 8),
        D=(2, 1200),
        E=(2, 416, 400),
        F=(3, 40970, 40960),
    ),
    "convolution-2": functions(
        [([(3, 1), (3, 1)],), ([(5, 2), (3, 2), (3, 1)],), ([(2, 2), (2, 2)],)],
        _receptive,
        A=lambda layers: _receptive(layers, early=True),
        B=lambda layers: _receptive(layers, overlap=0),
        C=lambda layers: _receptive(layers, strides=False),
        D=lambda layers: _receptive(layers, first=0),
    ),
}

"""The exercises of the chapters on regularization."""

import numpy as np
from scipy.special import ndtr

from ..losses import softmax
from .bugs import BUGS
from .kinds import functions, parts, values


def _centred(N, m):
    """Features with a strong negative correlation and a target, centred."""
    rng = np.random.default_rng(N)
    X = rng.normal(size=(N, m))
    y = X[:, 0] - 3 * X[:, 1] + rng.normal(size=N)
    return X - X.mean(axis=0), y - y.mean()


def _thinned_softmax(h, V, d, p, *, q=None, scale=None, mean="arithmetic"):
    """Mean softmax over all masks of h, dropped with probability q and divided by scale."""
    q, scale = p if q is None else q, 1 - p if scale is None else scale
    masks = np.indices((2,) * len(h)).reshape(len(h), -1).T
    P = (q ** (1 - masks) * (1 - q) ** masks).prod(axis=1)
    u = (masks * h / scale) @ V + d
    u = P[None] @ u if mean == "geometric" else u
    s = softmax(u)[0]
    return s[0] if mean == "geometric" else P @ s


def _hidden(n, classes, p):
    rng = np.random.default_rng(n)
    return rng.normal(size=n), rng.normal(size=(n, classes)), rng.normal(size=classes), p


def _sequence(T, P, H, p):
    """A sequence, matrices and masks of which one unit each is dropped."""
    rng = np.random.default_rng(T)
    x, W, U = rng.normal(size=(T, P)), rng.normal(size=(P, H)), rng.normal(size=(H, H))
    return x, W, U, (np.arange(P) != 1) * 1.0, (np.arange(H) != 2) * 1.0, p


def _last_state(x, W, U, m_x, m_h, p, *, divide=(1, 1), columns=False):
    """The last state under fixed masks, divided by powers of 1 - p."""
    h, inputs, states = np.zeros(len(U)), (1 - p) ** divide[0], (1 - p) ** divide[1]
    for x_t in x:
        recurrent = (h @ U) * m_h if columns else (m_h * h) @ U
        h = np.tanh((m_x * x_t) @ W / inputs + recurrent / states)
    return h


def _stop(losses, patience, margin, reset=lambda now, best, last, margin: now < best - margin, lower=False):
    """(stop, best): `reset` decides what counts as an improvement, `lower` keeps small ones without a reset."""
    best, since, last = losses[0], 0, losses[0]
    for e, now in enumerate(losses):
        if reset(now, best, last, margin):
            best, since = now, e
        elif lower:
            best = min(best, now)
        last = now
        if e - since >= patience:
            return e, since
    return len(losses) - 1, since


def _shared(C, y, eps, turned=False, diagonal=False, whole=False, equal=False):
    """Targets that share eps among the wrong classes as a row of C does; each switch is a mistake."""
    labels = np.eye(len(C))
    C = 1 - labels if equal else np.asarray(C, dtype=float).T if turned else np.asarray(C, dtype=float)
    share = C if diagonal else C * (1 - labels)
    share = share / (C if whole else share).sum(axis=1, keepdims=True)
    return ((1 - eps) * labels + eps * share)[y]


def _mean_relu(x, W, p, *, q=None, power=0.5, tail=1):
    """Mean of relu under DropConnect, normal approximation; each switch is a mistake."""
    q = p if q is None else q
    mu, sigma = (1 - q) * (x @ W), (p * (1 - p) * ((x * x) @ (W * W))) ** power
    return mu * ndtr(mu / sigma) + tail * sigma * np.exp(-0.5 * (mu / sigma) ** 2) / (2 * np.pi) ** 0.5


def _layer(K, n, m, p):
    rng = np.random.default_rng(n)
    return rng.normal(size=(K, n)), rng.normal(size=(n, m)), p


EXERCISES = {
    **BUGS,
    "dropout-1": parts(
        (1.6, 0.96, 1.5, 2.04),
        A=(0, 0.4),
        B=(0, 2),
        C=(1, 0.64),
        D=(2, 1.2),
        E=(2, 24),
        F=(3, 2),
        G=(3, 1.632),
    ),
    "dropout-2": functions(
        [_hidden(3, 4, 0.2), _hidden(5, 3, 0.4)],
        _thinned_softmax,
        A=lambda h, V, d, p: _thinned_softmax(h, V, d, p, q=0.5),
        B=lambda h, V, d, p: _thinned_softmax(h, V, d, p, scale=1),
        C=lambda h, V, d, p: _thinned_softmax(h, V, d, p, mean="geometric"),
        D=lambda h, V, d, p: _thinned_softmax(h, V, d, p, q=1 - p),
    ),
    "dropout-variants-1": parts(
        (0.25, 0.8, 2.08, 0.32, 7.25),
        A=(0, 0.16),
        B=(0, 4),
        C=(2, 0.16),
        D=(2, 3.25),
        E=(3, 0),
        F=(4, 5),
        G=(4, 7.5),
    ),
    "dropout-variants-2": functions(
        [_layer(3, 4, 2, 0.2), _layer(2, 6, 3, 0.6)],
        _mean_relu,
        A=lambda x, W, p: np.maximum((1 - p) * (x @ W), 0),
        B=lambda x, W, p: _mean_relu(x, W, p, power=1),
        C=lambda x, W, p: _mean_relu(x, W, p, q=1 - p),
        D=lambda x, W, p: _mean_relu(x, W, p, tail=0),
    ),
    "recurrent-dropout-1": parts(
        (0.75**7, 100 / (0.75**-7 - 1), 300, 17),
        A=(0, 0.75**8),
        B=(0, 0.25**7),
        C=(1, 1 / (0.75**-7 - 1)),
        D=(1, 100 * 0.75**7),
        E=(2, 100 / 3),
        F=(2, 100 / (0.75**-7 - 1)),
        G=(3, 16, 0.75**-10 - 1),
        H=(3, 18, 0.75**-10),
    ),
    "recurrent-dropout-2": functions(
        [_sequence(4, 3, 5, 0.4), _sequence(6, 2, 4, 0.3)],
        _last_state,
        A=lambda *case: _last_state(*case, divide=(0, 0)),
        B=lambda *case: _last_state(*case, columns=True),
        C=lambda *case: case[4] * _last_state(*case),
        D=lambda *case: _last_state(*case, divide=(1, 0)),
        E=lambda *case: _last_state(*case, divide=(1, 2)),
    ),
    "1-4": parts(
        (0.05, 0.09, 1 / 1.05, -0.1, -0.2),
        A=(0, 0.5),
        B=(1, 0),
        C=(1, -0.09),
        D=(1, 0.045),
        E=(2, 1 / 1.5),
        F=(2, 1 / 6),
        G=(3, -0.2),
        H=(4, -0.1),
        I=(4, 0),
    ),
    "augmentation-1": parts(
        (11 / 9.75, 50),
        A=(0, 11 / 9),
        B=(0, 11 / 9.25),
        C=(0, 11 / 10.5),
        D=(0, 11 / 9.375),
        E=(1, 10),
        F=(1, 32),
        G=(1, 27),
    ),
    "generalization-1": parts((1.8, 2.2), A=(0, 2.0), B=(0, 2.2222), C=(1, 2.0)),
    "1-5": parts(
        (0.8**10, 0.8, 0.8**-10 - 1, 4, 0.8**4),
        A=(0, 0.8),
        B=(0, 0.2**10),
        C=(1, 0.8**10),
        D=(2, 2.5),
        E=(2, 0.8**-10),
        F=(3, 3, 3.106),
        G=(4, 0.8**14, 0.8**10, 0.8**30),
        H=(4, 0.8**3, 0.8**5),
    ),
    "1-6": parts(
        (2.3026, -0.8, 4.3944, 0.5448),
        A=(0, 2.0723),
        B=(1, -0.9),
        C=(1, 0.8),
        D=(2, 2.1972),
        E=(2, 4.5109),
        F=(3, 0),
        G=(3, 0.5003),
        H=(3, 0.3251),
    ),
    "label-smoothing-1": parts(
        (0.85, 0.05, 0.15, 2.8332),
        A=(0, 0.8),
        B=(1, 0.0667),
        C=(2, 0.2),
        D=(2, 0.2667),
        E=(3, 2.4849),
        F=(3, 1.7346),
    ),
    "label-smoothing-2": functions(
        [
            (np.array([[90, 7, 3], [2, 80, 18], [5, 10, 85]]), np.array([0, 2, 2, 1]), 0.1),
            (np.array([[5, 1, 2, 0], [0, 9, 3, 1], [4, 4, 6, 2], [1, 0, 0, 7]]), np.array([3, 1, 0]), 0.3),
        ],
        _shared,
        A=lambda *case: _shared(*case, diagonal=True),
        B=lambda *case: _shared(*case, turned=True),
        C=lambda *case: _shared(*case, whole=True),
        D=lambda *case: _shared(*case, equal=True),
    ),
    "weight-decay-1": parts(
        (2.4, 6 / 2.05, 2.4, 2),
        A=(0, 2),
        B=(1, 2.4),
        C=(1, 6 / 7),
        D=(2, 2, 3),
        E=(3, 2.4),
        F=(3, 3),
        G=(3, 0.5),
    ),
    "weight-decay-2": functions(
        [(0.1, 10), (0.01, 3), (0.5, 20)],
        lambda lr, n: (1 - 0.5 ** (1 / n)) / lr,
        A=lambda lr, n: 1 - 0.5 ** (1 / n),
        B=lambda lr, n: np.log(2) / (lr * n),
        C=lambda lr, n: 0.5 / lr,
        D=lambda lr, n: lr * (1 - 0.5 ** (1 / n)),
    ),
    "norms-1": values(
        (5 / 3, 0, 7 / 15),
        A=(4 / 3, 0, 2 / 15),
        B=(2.5, 0, 0.7),
        C=(5 / 3, 2 / 15, 7 / 15),
        D=(2, 0, 0.8),
        E=(1.25, 0, 0.35),
        F=(1.5, 0, 0.3),
    ),
    "norms-2": functions(
        [_centred(20, 3), _centred(50, 6)],
        lambda X, y: abs(X.T @ y).max() / len(y),
        A=lambda X, y: abs(X.T @ y).max(),
        B=lambda X, y: (X.T @ y).max() / len(y),
        C=lambda X, y: abs(X.T @ y).sum() / len(y),
        D=lambda X, y: ((X.T @ y) ** 2).sum() ** 0.5 / len(y),
    ),
    "early-stopping-1": parts((7, 4, 11), A=(0, 9), B=(0, 11), C=(0, 8), D=(1, 7), E=(2, 12), F=(2, -1)),
    "early-stopping-2": functions(
        [
            ([5, 4.9, 4.8, 4.7, 4.6, 4.5, 4.4, 4.3, 4.2], 3, 0.25),
            ([3, 2, 2.5, 2.2, 2.1, 2.05, 1.9, 2.0, 2.1, 2.2, 2.3], 4, 0.05),
            ([1, 0.8, 0.9, 0.85, 0.95, 0.7, 0.75, 0.8], 2, 0.1),
            ([1, 0.5, 0.49, 0.6, 0.48, 0.47], 2, 0.0),
            ([2, 1.5, 1.45, 1.4, 1.35, 1.6, 1.7], 2, 0.2),
        ],
        lambda losses, patience, margin: _stop(losses, patience, margin)[0],
        A=lambda losses, patience, margin: _stop(losses, patience, 0)[0],
        B=lambda *case: _stop(*case, reset=lambda now, best, last, margin: now < last - margin)[0],
        C=lambda *case: _stop(*case, lower=True)[0],
        D=lambda *case: _stop(*case)[1],
    ),
    "dropout-in-practice-1": parts(
        (1, 1.25, 80, 0.57735),
        A=(0, 0.8),
        B=(0, 0.25),
        C=(1, 5),
        D=(1, 0.8),
        E=(2, 320),
        F=(2, 76.8),
        G=(3, 0.70711),
        H=(3, 1 / 3),
    ),
}

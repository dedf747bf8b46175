"""The exercise "Find the bug" on regularizers: each program stands beside the slips that a test of it must notice."""

from copy import deepcopy

import numpy as np

from .kinds import functions


def _fixed(cases, right, **slips):
    """A check for a corrected function, which gets copies of the cases and so may change its arguments."""
    diagnose = functions(cases, right, **slips)
    return lambda answer: diagnose(lambda *case: answer(*deepcopy(case)))


def _catches(right, **slips):
    """A check for a test `passes(program)`: R if it refuses `right`, else the letters of the slips that it misses."""

    def passes(test, program):
        with np.errstate(all="ignore"):
            result = test(program)
        if not isinstance(result, bool | np.bool_):
            raise TypeError("return True or False")
        return bool(result)

    def missed(test, slip):
        try:
            return passes(test, slip)
        except Exception:
            return False

    def diagnose(test):
        if not passes(test, right):
            return "R"
        return " ".join(letter for letter, slip in slips.items() if missed(test, slip)) or None

    return diagnose


def _step(theta, g, lr, lam):
    return theta - lr * (g + lam * theta)


_STEPS = dict(
    A=lambda theta, g, lr, lam: theta - lr * g - lam * theta,
    B=lambda theta, g, lr, lam: theta - lr * (g + lr * lam * theta),
    C=lambda theta, g, lr, lam: theta - lr * (g + 2 * lam * theta),
    D=lambda theta, g, lr, lam: theta - lr * (g - lam * theta),
    E=lambda theta, g, lr, lam: theta - lr * g,
    F=lambda theta, g, lr, lam: theta - lr * (g + lam * np.sign(theta)),
    G=lambda theta, g, lr, lam: (1 - lr * lam) * (theta - lr * g),
    H=lambda theta, g, lr, lam: theta - 2 * lr * (g + lam * theta),
)


def _drop(h, p, rng):
    return h * (rng.random(h.shape) >= p) / (1 - p)


def _net(train=_drop, test=lambda h, p, rng: h):
    """The exercise's class with `train` and `test` between its hidden layer and its outputs."""

    class Net:
        def __init__(self, W, V, p, rng):
            self.W, self.V, self.p, self.rng, self.training = W, V, p, rng, True

        def __call__(self, x):
            h = np.maximum(x @ self.W, 0)
            return (train if self.training else test)(h, self.p, self.rng) @ self.V

    return Net


_NETS = dict(
    A=_net(test=_drop),
    B=_net(train=lambda h, p, rng: h),
    C=_net(train=lambda h, p, rng: h, test=_drop),
    D=_net(test=lambda h, p, rng: (1 - p) * h),
    E=_net(train=lambda h, p, rng: h * (rng.random(h.shape) >= p)),
    F=_net(train=lambda h, p, rng: h * (rng.random(h.shape[1:]) >= p) / (1 - p)),
    G=_net(train=lambda h, p, rng: h * (rng.random(h.shape) < p) / p),
    H=_net(test=lambda h, p, rng: _drop(h, p, np.random.default_rng(0))),
)


def _bug_dropout(Net):
    """The exercise's class on 2000 equal examples with two live hidden units and a dead one."""
    x, p = np.tile([1.0, 2.0, -1.0], (2000, 1)), 0.2
    net = Net(np.eye(3), np.eye(3), p, np.random.default_rng(1))
    train = np.asarray(net(x.copy()), dtype=float)
    net.training = False
    test, again = (np.asarray(net(x.copy()), dtype=float) for _ in range(2))
    if not train.shape == test.shape == x.shape:
        raise TypeError("return an array with one row per example")
    if train[:, 2].any() or test[:, 2].any():
        return "?"
    train, test, again = (part[:, :2] / [1, 2] for part in (train, test, again))
    dropped = (train == 0).mean()
    mistakes = {
        "C": (test == 0).any() and not dropped,
        "H": (test == 0).any() and np.array_equal(test, again),
        "A": (test == 0).any(),
        "B": not dropped,
        "F": (train == train[0]).all(),
        "E": np.isclose(dropped, p, atol=0.05) and np.allclose(train[train > 0], 1),
        "D": np.allclose(test, 1 - p),
        "G": np.isclose(dropped, 1 - p, atol=0.05),
        "?": not (
            np.isclose(dropped, p, atol=0.05) and np.allclose(train[train != 0], 1 / (1 - p)) and np.allclose(test, 1)
        ),
    }
    return next((letter for letter, found in mistakes.items() if found), None)


def _targets(y, K, label, other):
    return other + (label - other) * np.eye(K)[y]


_SMOOTHINGS = dict(
    A=lambda y, K, eps: (1 - eps) * np.eye(K)[y] + eps / (K - 1),
    B=lambda y, K, eps: (1 - eps) * np.eye(K)[y] + eps / K,
    C=lambda y, K, eps: _targets(y, K, 1 - eps, eps),
    D=lambda y, K, eps: _targets(y, K, 1 - eps, eps / K),
    E=lambda y, K, eps: _targets(y, K, 1, eps / (K - 1)),
    F=lambda y, K, eps: ((1 - eps) * np.eye(K)[y] + eps / (K - 1)) / (1 + eps / (K - 1)),
    G=lambda y, K, eps: _targets(y, max(y) + 1, 1 - eps, eps / max(y)),
    H=lambda y, K, eps: _targets(y, K, 0.9, 0.1 / (K - 1)),
)


def _smooth(y, K, eps):
    return _targets(y, K, 1 - eps, eps / (K - 1))


BUGS = {
    "bug-l2": _fixed(
        [(np.array([1.0, -2, 3]), np.array([0.5, 1, -2]), 0.5, 0.4), (np.array([4.0]), np.array([2.0]), 0.1, 2.0)],
        _step,
        **_STEPS,
    ),
    "bug-l2-test": _catches(_step, **_STEPS),
    "bug-dropout": _bug_dropout,
    "bug-dropout-test": _catches(_net(), **_NETS),
    "bug-smoothing": _fixed([(np.array([1, 0, 1]), 4, 0.3), (np.array([2, 0]), 3, 0.2)], _smooth, **_SMOOTHINGS),
    "bug-smoothing-test": _catches(_smooth, **_SMOOTHINGS),
}

"""The exercises of the chapters on regularization."""

import numpy as np

from .kinds import functions, parts, values

def _centred(N, m):
    """Features with a strong negative correlation and a target, centred."""
    rng = np.random.default_rng(N)
    X = rng.normal(size=(N, m))
    y = X[:, 0] - 3 * X[:, 1] + rng.normal(size=N)
    return X - X.mean(axis=0), y - y.mean()


EXERCISES = {
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
}

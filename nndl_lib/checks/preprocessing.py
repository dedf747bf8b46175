"""The exercises of the chapters on preprocessing."""

import numpy as np

from .kinds import close, functions, values

_SCALED = (
    (np.array([[1.0, 5.0, 2.0], [2.0, 5.0, -4.0], [4.0, 5.0, 3.0]]), np.array([[0.0, 6.0, 1.0], [9.0, 5.0, 0.5]])),
    (np.array([[0.0, 30.0], [4.0, 10.0]]), np.array([[1.0, 20.0], [3.0, 70.0], [5.0, 0.0]])),
)


def _standardized(rows, new, divisor=lambda rows: rows.std(axis=0)):
    size = divisor(rows)
    return (new - rows.mean(axis=0)) / np.where(size == 0, 1, size)


_z_scored = functions(
    _SCALED,
    _standardized,
    A=lambda train, new: _standardized(new, new),
    B=lambda train, new: _standardized(np.concatenate([train, new]), new),
    C=lambda train, new: _standardized(train, new, lambda rows: rows.std(axis=0, ddof=1)),
    D=lambda train, new: _standardized(train, new, lambda rows: rows.var(axis=0)),
)


def _scale(answer):
    """The exercise's `scale(train, new)`; E where it divides by 0."""
    with np.errstate(all="ignore"):
        finite = all(np.isfinite(answer(train.copy(), new.copy())).all() for train, new in _SCALED)
        return _z_scored(answer) if finite else "E"


_COVARIANCES = (
    (np.array([[5.0, 4.0], [4.0, 5.0]]),),
    (np.array([[4.0, 1.0, 0.0], [1.0, 3.0, 1.0], [0.0, 1.0, 2.0]]),),
)


def _zca(C):
    variances, U = np.linalg.eigh(C)
    return U / np.sqrt(variances) @ U.T


_zca_of_two = values(
    _zca(_COVARIANCES[0][0]),
    B=np.array([[5, -4], [-4, 5]]) / 9,
    C=[[2, 1], [1, 2]],
    D=np.eye(2) / 5**0.5,
)


def _whitening(answer):
    """The exercise's ZCA matrix; A for another whitening, E for the transpose of one."""
    letter = _zca_of_two(answer)
    W, inverse = np.asarray(answer, dtype=float), np.linalg.inv(_COVARIANCES[0][0])
    if letter == "?" and W.shape == (2, 2):
        letter = "A" if close(W @ W.T, inverse) else "E" if close(W.T @ W, inverse) else "?"
    return letter


EXERCISES = {
    "scaling-1": values((36, 25 / 9), A=(6, 5 / 3), B=(36, 9 / 25), C=(36, 3600)),
    "scaling-2": _scale,
    "whitening-1": _whitening,
    "whitening-2": functions(
        _COVARIANCES,
        lambda C: np.linalg.cholesky(np.linalg.inv(C)),
        A=np.linalg.cholesky,
        B=lambda C: np.linalg.inv(np.linalg.cholesky(C)),
        C=lambda C: np.linalg.inv(np.linalg.cholesky(C)).T,
        D=_zca,
    ),
}

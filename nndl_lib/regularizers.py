"""Penalties on the parameters, softened targets, and when to stop; the steps that go with a penalty are in `proximal`.

A penalty is a layer `value, vjp = penalty(theta, *, lam)`: theta (D,) gives a number, theta (R, D) one per replica
(R,). Its weights are numbers >= 0 or, one per replica, columns (R, 1). NumPy arrays and torch tensors alike.
"""

import numpy as np

from .optimizers import _namespace
from .proximal import columns


def l1(theta, *, lam):
    """lam times the sum of |theta_i|; vjp gives a subgradient, 0 where theta_i = 0.

    Equation (1.59) with p = 1. Source: Tibshirani 1996.
    Raises: ValueError for another shape or lam < 0.
    """
    (lam,) = columns("l1", theta, lam=lam)
    sign = _namespace(theta).sign(theta)

    def vjp(dy):
        return (_column(dy) * lam * sign,)

    return (lam * abs(theta)).sum(axis=-1), vjp  # (1.59)


def l2(theta, *, lam):
    """lam/2 times the squared norm of theta, whose gradient lam theta is that of weight decay.

    Equation (R.11). Source: Hoerl and Kennard 1970. Raises: as `l1`.
    """
    (lam,) = columns("l2", theta, lam=lam)

    def vjp(dy):
        return (_column(dy) * lam * theta,)

    return (lam / 2 * theta * theta).sum(axis=-1), vjp  # (R.11)


def elastic_net(theta, *, lam1, lam2):
    """`l1` with weight lam1 plus `l2` with weight lam2.

    Equation (1.63). Source: Zou and Hastie 2005, equation (3).
    Differs: there the squared norm is not halved. scikit-learn's alpha and l1_ratio r are lam1 = alpha r and
    lam2 = alpha (1 - r).
    Raises: as `l1`.
    """
    (first, back1), (second, back2) = l1(theta, lam=lam1), l2(theta, lam=lam2)

    def vjp(dy):
        return (back1(dy)[0] + back2(dy)[0],)

    return first + second, vjp  # (1.63)


def smooth_l1(theta, *, lam, eps=1e-6):
    """lam times the sum of sqrt(theta_i^2 + eps), which exceeds |theta_i| by at most sqrt(eps).

    Equation (1.62). Differs: `F.smooth_l1_loss` is Huber's function, quadratic around 0.
    Raises: as `l1`; ValueError unless eps > 0.
    """
    (lam,) = columns("smooth_l1", theta, lam=lam)
    if not 0 < eps < np.inf:
        raise ValueError(f"smooth_l1: eps={eps!r}, expected a number > 0")
    root = (theta * theta + eps) ** 0.5

    def vjp(dy):
        return (_column(dy) * lam * theta / root,)

    return (lam * root).sum(axis=-1), vjp  # (1.62)


def label_smoothing(y, K, *, eps=0.1):
    """Labels y (...) as probabilities (..., K): 1 - eps for the label, eps / (K - 1) for each other class.

    With eps = 0 the one-hot code. Equation (R.104). Source: Szegedy et al. 2016, section 7.
    Differs: there and in torch eps is spread over all K classes, see `torch_eps`.
    Raises: TypeError unless y are integers; ValueError unless they are from 0 to K - 1, K >= 2 and 0 <= eps <= 1.
    """
    _check_smoothing("label_smoothing", K, eps)
    if "int" not in str(y.dtype):
        raise TypeError(f"label_smoothing: y of dtype {y.dtype}, expected integers")
    if bool(((y < 0) | (y >= K)).any()):
        raise ValueError(f"label_smoothing: y from {int(y.min())} to {int(y.max())}, expected labels from 0 to {K - 1}")
    hard = y[..., None] == _namespace(y).arange(K)
    return eps / (K - 1) + (1 - eps - eps / (K - 1)) * hard  # (R.104)


def torch_eps(eps, K):
    """The `label_smoothing` of torch that gives the targets of this book's eps: the label keeps 1 - eps in both.

    Equation (R.105). Raises: ValueError unless K >= 2 and 0 <= eps <= 1.
    """
    _check_smoothing("torch_eps", K, eps)
    return eps * K / (K - 1)  # (R.105)


def distillation_loss(outputs, teacher, y, *, T=4.0, alpha=0.5):
    """Mean loss (R,) of outputs (R, K, C): alpha for the teacher's softened classes, 1 - alpha for the targets y.

    `teacher` are logits (K, C) or (R, K, C), y labels or probabilities as in `networks.cross_entropy`. Both sets of
    logits are divided by the temperature T; the factor T^2 keeps the size of the gradient. Torch tensors only.
    Equation (R.112). Source: Hinton, Vinyals and Dean 2015, section 2. Raises: as `cross_entropy`; ValueError unless
    T > 0 and 0 <= alpha <= 1.
    """
    from .networks import cross_entropy

    if not (0 < T < np.inf and 0 <= alpha <= 1):
        raise ValueError(f"distillation_loss: T={T!r}, alpha={alpha!r}, expected T > 0 and alpha in [0, 1]")
    if teacher.shape not in (outputs.shape, outputs.shape[1:]):
        shapes = f"outputs {tuple(outputs.shape)}, teacher {tuple(teacher.shape)}"
        raise ValueError(f"distillation_loss: {shapes}, expected (R, K, C) and (K, C) or (R, K, C)")
    soft = cross_entropy(outputs / T, (teacher / T).softmax(-1))
    return alpha * T**2 * soft + (1 - alpha) * cross_entropy(outputs, y)  # (R.112)


def early_stopping(losses, *, patience=10):
    """(stop, best): where `patience` evaluations in a row were no improvement, and the lowest loss until then.

    Indices, integers for a validation curve (E,), arrays (R,) for curves (R, E); a curve that never stops has E - 1.
    Only what is below all losses before is an improvement; NaN counts as infinite.
    Equation (R.39). Source: Goodfellow et al. 2016, algorithm 7.1.
    Raises: ValueError for another shape, a first loss that is not finite, or a patience that is no integer >= 1.
    """
    losses, best = _curves("early_stopping", losses)
    if not (isinstance(patience, (int, np.integer)) and patience >= 1):
        raise ValueError(f"early_stopping: patience={patience!r}, expected an integer >= 1")
    return _first(np.arange(losses.shape[-1]) - best >= patience, best)  # (R.39)


def generalization_loss(losses):
    """By how many percent each loss of a curve (E,) or (R, E) exceeds the lowest one so far.

    Equation (R.40). Source: Prechelt 1998, section 2.1, GL. Raises: as `early_stopping`; ValueError unless losses > 0.
    """
    losses, _ = _curves("generalization_loss", losses)
    if not (losses > 0).all():
        raise ValueError(f"generalization_loss: losses down to {losses.min()}, expected numbers > 0")
    return 100 * (losses / np.minimum.accumulate(losses, axis=-1) - 1)  # (R.40)


def early_stopping_gl(losses, *, alpha=5.0):
    """(stop, best) as in `early_stopping`, where the generalization loss is above alpha percent for the first time.

    Equation (R.40). Source: Prechelt 1998, section 2.1, GL_alpha.
    Raises: as `generalization_loss`; ValueError unless alpha > 0.
    """
    if not 0 < alpha < np.inf:
        raise ValueError(f"early_stopping_gl: alpha={alpha!r}, expected a number > 0")
    _, best = _curves("early_stopping_gl", losses)
    return _first(generalization_loss(losses) > alpha, best)


def _curves(owner, losses):
    """The losses, infinite for NaN, and at each index that of the lowest loss until then."""
    losses = np.asarray(losses, dtype=float)
    if losses.ndim not in (1, 2) or not losses.size:
        raise ValueError(f"{owner}: losses of shape {losses.shape}, expected (E,) or (R, E) with R, E >= 1")
    if not np.isfinite(losses[..., 0]).all():
        raise ValueError(f"{owner}: a first loss that is NaN or infinite, expected a finite number")
    losses = np.where(np.isnan(losses), np.inf, losses)
    lowest = np.minimum.accumulate(losses, axis=-1)
    improved = np.diff(lowest, axis=-1, prepend=np.inf) < 0
    return losses, np.maximum.accumulate(np.where(improved, np.arange(losses.shape[-1]), 0), axis=-1)


def _first(stopped, best):
    """The first index where a curve stopped, else the last one, and the best index there."""
    stop = np.where(stopped.any(axis=-1), stopped.argmax(axis=-1), stopped.shape[-1] - 1)
    best = np.take_along_axis(best, stop[..., None], axis=-1)[..., 0]
    return (stop, best) if stop.ndim else (int(stop), int(best))


def _column(dy):
    """dy (R,) as a column, a number as it is."""
    return dy[..., None] if getattr(dy, "ndim", 0) else dy


def _check_smoothing(owner, K, eps):
    if not (isinstance(K, (int, np.integer)) and K >= 2):
        raise ValueError(f"{owner}: K={K!r}, expected an integer >= 2")
    if not 0 <= eps <= 1:
        raise ValueError(f"{owner}: eps={eps!r}, expected a number in [0, 1]")

"""Mini-batch training of R replicas at once: the book's driver `descent.trajectory` on networks.

Replicas differ in their seed or in their constants, which may be columns (R, 1). Replicas with the same seed
start at the same parameters and see the same mini-batches, so that methods are compared pair by pair.
"""

import functools
import itertools
import os
import sys
import warnings

import numpy as np
import torch

from .descent import at, name, trajectory
from .networks import accuracy, check_range, check_seeds, cross_entropy, start

REPLICAS = 64  # at most so many are trained at once by `sweep`
_BLOCK = 2**22  # numbers of the inputs of all replicas that are evaluated at once


def fit(net, data, rule, *, steps, batch=32, seeds=10, theta=None, loss=cross_entropy, clip=None, decay=None,
        test=None, every=None, **constants):  # fmt: skip
    """Train `net` on `data` = (x (N, P), y) by `rule` with mini-batches of `batch` examples, `steps` updates.

    One replica for each of `seeds` (n means 0 ... n - 1), starting at `theta` (R, D), by default `start(net,
    seeds)` in the precision of x. An epoch is a permutation of the data, drawn from the replica's seed, in
    ceil(N / batch) updates, the last with what is left; `batch=None` takes all data at each step.
    `loss(outputs, y)` returns (R,). `clip(g)` is applied to the gradient (D,) of each replica. A constant of
    `rule`, also `decay`, is a number, a column (R, 1) or a callable of the step that returns one.
    Equations (1.1)-(1.4).

    Returns a dict of arrays: "loss" and "grad_norm" of the mini-batch, before the update and before clipping,
    and "lr", the rate used (NaN if the rule has none), all (R, steps); the final "theta" (R, D) as a tensor. With
    `test` = (x, y) or `every` = m also "step" (E,) = 0, m, 2m, ..., steps (without `every` 0 and steps), and at
    these steps "train_loss" on all of `data`, "test_loss" and, for labels, "test_accuracy", all (R, E), at theta
    itself. A replica that diverges goes on with inf or NaN.
    Raises: ValueError, TypeError that name the argument.
    """
    seeds, steps = check_seeds(seeds), _whole("steps", steps, 0)
    theta = _start(net, seeds, theta, _pair("data", data)[0].dtype)
    sets = {"train": _examples("data", data, net, theta)}
    if test is not None:
        sets["test"] = _examples("test", test, net, theta)
    moments = _moments(steps, every, test)
    constants = {key: _constant(key, value, theta) for key, value in {**constants, "decay": decay}.items()}
    history = {"loss": [], "grad_norm": [], "lr": []}
    grad = _gradient(net, loss, _batches(*sets["train"], batch, seeds), clip, history)
    path = trajectory(_recorded(rule, history["lr"]), grad, theta, steps, **constants)
    for t, theta in enumerate(_progress(path, steps)):
        if t in moments:
            _evaluate(net, loss, sets, theta, history)
    history = {key: _columns(rows, len(seeds)) for key, rows in history.items()}
    return history | ({"step": np.array(moments)} if moments else {}) | {"theta": theta}


def sweep(net, data, rule, rates, *, seeds=10, theta=None, **same):
    """Train with each of the A learning `rates`, numbers or schedules, from each of the S seeds: `fit` at once.

    `theta` (S, D) is a start for each seed. Other arguments and the result are those of `fit`, with arrays of
    the shape (A, S, ...); "step" stays (E,). Raises: as `fit`; ValueError for other constants that are arrays.
    """
    seeds = check_seeds(seeds)
    _check_sweep(rates, same)
    theta = None if theta is None else _start(net, seeds, theta, None)
    pairs = list(itertools.product(rates, range(len(seeds))))
    parts = []
    for i in range(0, len(pairs), REPLICAS):
        lr, rows = map(list, zip(*pairs[i : i + REPLICAS], strict=True))
        own = {"seeds": [seeds[row] for row in rows], "theta": None if theta is None else theta[rows]}
        parts.append(fit(net, data, rule, lr=_column(lr), **own, **same))
    return {key: _joined(key, [part[key] for part in parts], len(rates)) for key in parts[0]}


def _check_sweep(rates, same):
    listed = np.ndim(rates) == 1 and len(rates) > 0
    if not (listed and all(callable(rate) or 0 <= rate < np.inf for rate in rates)):
        raise ValueError(f"sweep: rates={rates!r}, expected a list of numbers >= 0 or schedules")
    for key, value in same.items():
        if getattr(value, "ndim", 0):
            raise ValueError(f"sweep: {key} has shape {tuple(value.shape)}, expected a number or a callable")


def _column(rates):
    """Rates as an array (R, 1), or as a callable of the step where one of them is a schedule."""
    if any(map(callable, rates)):
        return lambda t: np.array([[at(rate, t)] for rate in rates], dtype=float)
    return np.array(rates, dtype=float)[:, None]


def _joined(key, parts, A):
    if key == "step":
        return parts[0]
    whole = torch.cat(parts) if key == "theta" else np.concatenate(parts)
    return whole.reshape(A, len(whole) // A, *whole.shape[1:])


def _whole(key, value, low, high=np.inf):
    if not (isinstance(value, (int, np.integer)) and low <= value <= high):
        raise ValueError(f"{key}={value!r}, expected an integer from {low} to {high}")
    return int(value)


def _start(net, seeds, theta, dtype):
    """The given start, checked, or the default one: float64 if x is, else float32."""
    if theta is None:
        return start(net, seeds, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    theta, shape = _tensor(theta).detach(), (len(seeds), net.size)
    if tuple(theta.shape) != shape or not theta.is_floating_point():
        raise ValueError(f"theta: {theta.dtype} of shape {tuple(theta.shape)}, expected floats (R, D) = {shape}")
    return theta


def _tensor(array):
    """A tensor that shares the memory of `array` where that may be written to."""
    return array if torch.is_tensor(array) else torch.as_tensor(np.require(array, requirements=["C", "W"]))


def _pair(owner, data):
    if len(data) != 2:
        raise ValueError(f"{owner}: {len(data)} items, expected a pair (x, y)")
    return tuple(map(_tensor, data))


def _examples(owner, data, net, theta):
    """Inputs (N, P) and numbers (N, C) in the precision of theta, or labels (N,) if C > 1 and y are integers."""
    x, y = _pair(owner, data)
    if x.ndim != 2 or not len(x) or y.ndim not in (1, 2) or len(x) != len(y):
        shapes = f"{tuple(x.shape)} and {tuple(y.shape)}"
        raise ValueError(f"{owner}: x, y of shapes {shapes}, expected (N, P) and (N,) or (N, C) with N >= 1")
    if not (x.isfinite().all() and y.isfinite().all()):
        raise ValueError(f"{owner}: x or y has entries that are NaN or infinite, expected finite numbers")
    x = x.to(theta.dtype).contiguous()
    with torch.no_grad():
        C = net(x[:1], theta[:1]).shape[2]
    if y.is_floating_point() or C == 1:
        return x, y.to(theta.dtype).reshape(len(y), -1)
    check_range(y, C)
    return x, y.to(torch.int64)


def _constant(key, value, theta):
    """A number, or a column (R, 1) in the precision of theta; a callable of the step gives one of them."""
    if callable(value):
        return lambda t: _constant(key, value(t), theta)
    if not getattr(value, "ndim", 0):
        return value
    R = len(theta)
    if tuple(value.shape) != (R, 1):
        raise ValueError(f"{key} has shape {tuple(value.shape)}, expected a number or shape (R, 1) = ({R}, 1)")
    return _tensor(value).to(theta.dtype)


def _batches(x, y, K, seeds):
    """For ever: x (R, K, P) and y (R, K) or (R, K, C), or for K = None all data, shared by the replicas."""
    if K is None:
        return itertools.repeat((x, y))
    return _shuffled(x, y, _whole("batch", K, 1, len(x)), seeds)


def _shuffled(x, y, K, seeds):
    unique, row = np.unique(seeds, return_inverse=True)
    rngs = [np.random.default_rng([seed, 1]) for seed in unique]
    while True:
        epoch = torch.as_tensor(np.stack([rng.permutation(len(x)) for rng in rngs])[row])
        for rows in epoch.split(K, dim=1):
            flat = rows.reshape(-1)
            yield tuple(a.index_select(0, flat).view(*rows.shape, *a.shape[1:]) for a in (x, y))


def _gradient(net, loss, batches, clip, history):
    """The function theta (R, D) -> gradients (R, D) of the mini-batch losses; it keeps losses and norms."""

    def grad(theta):
        theta = theta.detach().requires_grad_()
        x, y = next(batches)
        losses = loss(net(x, theta), y)
        if losses.shape != theta.shape[:1]:
            raise ValueError(f"loss returned shape {tuple(losses.shape)}, expected (R,) = {(len(theta),)}")
        (g,) = torch.autograd.grad(losses.sum(), theta)  # (1.1)
        history["loss"].append(losses.detach())
        history["grad_norm"].append(torch.linalg.vector_norm(g, dim=1))
        return torch.stack([clip(row) for row in g]) if clip else g

    return grad


def _recorded(rule, rates):
    """The same rule; each call appends its learning rate to `rates`."""

    @functools.wraps(rule)
    def recorded(g, *state, **constants):
        rates.append(np.asarray(constants.get("lr", np.nan), dtype=float))
        return rule(g, *state, **constants)

    recorded.__name__ = name(rule)
    return recorded


def _moments(steps, every, test):
    """The steps at which theta is evaluated."""
    if every is None:
        return [] if test is None else sorted({0, steps})
    return sorted({*range(0, steps, _whole("every", every, 1)), steps})


@torch.no_grad()
def _evaluate(net, loss, sets, theta, history):
    """Append the mean loss (R,) on each set, and the accuracy (R,) on a test set of labels."""
    for kind, (x, y) in sets.items():
        measures = {f"{kind}_loss": loss}
        if kind == "test" and not y.is_floating_point():
            measures["test_accuracy"] = accuracy
        total, rows = 0, max(1, _BLOCK // x.shape[1] // len(theta))
        for xs, ys in zip(x.split(rows), y.split(rows), strict=True):
            outputs = net(xs, theta)
            total = total + len(xs) / len(x) * torch.stack([f(outputs, ys) for f in measures.values()])
        for key, mean in zip(measures, total, strict=True):
            history.setdefault(key, []).append(mean)


def _columns(rows, R):
    """Recorded numbers, columns (R, 1) or vectors (R,) as the columns of an array."""
    columns = [np.broadcast_to(np.ravel(row), R) for row in rows]
    return np.stack(columns, axis=1) if columns else np.empty((R, 0))


def _progress(path, steps):
    """The path, with a progress bar in Jupyter unless the environment variable NNDL_PROGRESS is 0."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if not hasattr(shell, "kernel") or os.environ.get("NNDL_PROGRESS") == "0":
        return path
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm(path, total=steps + 1, leave=False)

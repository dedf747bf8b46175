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
from .inputs import constant, examples, first_theta, pair, whole
from .networks import accuracy, check_seeds, cross_entropy

REPLICAS = 64  # at most so many are trained at once by `sweep`
_BLOCK = 2**22  # numbers of the inputs of all replicas that are evaluated at once


def fit(net, data, rule, *, steps, batch=32, seeds=10, theta=None, loss=cross_entropy, train=None, penalty=None,
        clip=None, decay=None, project=None, test=None, every=None, **constants):  # fmt: skip
    """Train `net` on `data` = (x (N, P), y) by `rule` with mini-batches of `batch` examples, `steps` updates.

    One replica for each of `seeds` (n means 0 ... n - 1), starting at `theta` (R, D), by default `start(net,
    seeds)` in the precision of x. An epoch is a permutation of the data, drawn from the replica's seed, in
    ceil(N / batch) updates, the last with what is left; `batch=None` takes all data at each step.
    `loss(outputs, y)` returns (R,); y are labels, numbers (N, C), or soft targets (N, C). At each step the outputs are
    `train(x, theta, rngs)`, by default `net(x, theta)`; rngs holds a generator for each replica, drawn from its seed.
    The gradient of `penalty(theta)`, as in `regularizers`, is added to that of the loss; `clip(g)` is applied to their
    sum, (D,) for each replica. `project(theta)` takes the place of theta (R, D) after each update. A constant of
    `rule`, also `decay`, is a number, a column (R, 1) or a callable of the step that returns one.
    Equations (1.1)-(1.4), for penalty (1.59).

    Returns a dict of arrays: "loss" (without the penalty) and "grad_norm" (with it) of the mini-batch, before the
    update and before clipping, and "lr", the rate used (NaN if the rule has none), all (R, steps); the final "theta"
    (R, D) as a tensor. With `test` = (x, y) or `every` = m also "step" (E,) = 0, m, 2m, ..., steps (without `every` 0
    and steps), and at these steps "train_loss" on all of `data`, "test_loss" and, for labels, "test_accuracy", all
    (R, E), of `net` at theta itself. A replica that diverges goes on with inf or NaN.
    Raises: ValueError, TypeError that name the argument.
    """
    seeds, steps = check_seeds(seeds), whole("steps", steps, 0)
    theta = first_theta(net, seeds, theta, pair("data", data)[0].dtype)
    sets = {"train": examples("data", data, net, theta)}
    if test is not None:
        sets["test"] = examples("test", test, net, theta)
    moments = _moments(steps, every, test)
    constants = {key: constant(key, value, theta) for key, value in {**constants, "decay": decay}.items()}
    history = {"loss": [], "grad_norm": [], "lr": []}
    batches, outputs = _batches(*sets["train"], batch, seeds), _outputs(net, train, seeds)
    grad = _gradient(outputs, loss, penalty, batches, clip, history)
    path = trajectory(_recorded(rule, history["lr"]), grad, theta, steps, project=project, **constants)
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
    theta = None if theta is None else first_theta(net, seeds, theta, None)
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


def _batches(x, y, K, seeds):
    """For ever: x (R, K, P) and y (R, K) or (R, K, C), or for K = None all data, shared by the replicas."""
    if K is None:
        return itertools.repeat((x, y))
    return _shuffled(x, y, whole("batch", K, 1, len(x)), seeds)


def _shuffled(x, y, K, seeds):
    unique, row = np.unique(seeds, return_inverse=True)
    rngs = [np.random.default_rng([seed, 1]) for seed in unique]
    while True:
        epoch = torch.as_tensor(np.stack([rng.permutation(len(x)) for rng in rngs])[row])
        for rows in epoch.split(K, dim=1):
            flat = rows.reshape(-1)
            yield tuple(a.index_select(0, flat).view(*rows.shape, *a.shape[1:]) for a in (x, y))


def _outputs(net, train, seeds):
    """The function (x, theta) -> outputs at a training step."""
    if train is None:
        return net
    rngs = [np.random.default_rng([seed, 2]) for seed in seeds]
    return lambda x, theta: train(x, theta, rngs)


def _gradient(outputs, loss, penalty, batches, clip, history):
    """The function theta (R, D) -> gradients (R, D) of mini-batch losses and penalties; it keeps losses and norms."""

    def grad(theta):
        theta = theta.detach().requires_grad_()
        x, y = next(batches)
        losses = _per_replica("loss", loss(outputs(x, theta), y), theta)
        (g,) = torch.autograd.grad(losses.sum(), theta)  # (1.1)
        if penalty is not None:
            value, vjp = penalty(theta.detach())
            g = g + vjp(torch.ones_like(_per_replica("penalty", value, theta)))[0]  # (1.59)
        history["loss"].append(losses.detach())
        history["grad_norm"].append(torch.linalg.vector_norm(g, dim=1))
        return torch.stack([clip(row) for row in g]) if clip else g

    return grad


def _per_replica(key, values, theta):
    if values.shape != theta.shape[:1]:
        raise ValueError(f"{key} returned shape {tuple(values.shape)}, expected (R,) = {(len(theta),)}")
    return values


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
    return sorted({*range(0, steps, whole("every", every, 1)), steps})


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

"""Mini-batch training of R replicas at once: the book's driver `descent.trajectory` on networks.

Replicas differ in their seed or in their constants, which may be columns (R, 1). Replicas with the same seed
start at the same parameters and see the same mini-batches, so that methods are compared pair by pair.
"""

import functools
import os
import sys
import warnings

import numpy as np
import torch

from .descent import name, signature, trajectory
from .networks import accuracy, check_range, check_seeds, cross_entropy, start

_REPLICAS = 64
_BLOCK = 2**22


def fit(net, data, rule, *, steps, batch=32, seeds=10, theta=None, loss=cross_entropy, clip=None, decay=None,
        test=None, every=None, **constants):  # fmt: skip
    """Train `net` on `data` = (x (N, P), y) by `rule` with mini-batches of `batch` examples, `steps` updates.

    One replica for each of `seeds` (n means 0 ... n - 1), starting at `theta` (R, D), by default `start(net,
    seeds)` in the precision of x. An epoch is a permutation of the data, drawn from the replica's seed, in
    ceil(N / batch) updates, the last with what is left; `batch=None` takes all data at each step.
    `loss(outputs, y)` returns (R,). `clip(g)` is applied to the gradients (R, D). A constant of `rule`, also
    `decay`, is a number, a column (R, 1) or a callable of the step that returns one. Equations (1.1)-(1.4).

    Returns a dict of arrays: "loss" and "grad_norm" of the mini-batch, before the update and before clipping,
    and "lr", the rate used, all (R, steps); the final "theta" (R, D) as a tensor. With `test` = (x, y) or
    `every` = m also "step" (E,) = 0, m, 2m, ..., steps (without `every` 0 and steps), and at these steps
    "train_loss" on all of `data`, "test_loss" and, for labels, "test_accuracy", all (R, E), at theta itself.
    A replica that diverges goes on with inf or NaN. Raises: ValueError, TypeError that name the argument.
    """
    seeds = check_seeds(seeds)
    theta = _parameters(net, seeds, theta, data)
    x, y = _examples("data", data, net, theta)
    batches = _batches(x, y, _batch_size(batch, len(x)), seeds)
    history = {"loss": [], "grad_norm": [], "lr": []}
    constants = {key: _constant(key, value, theta) for key, value in constants.items()}
    path = trajectory(
        _recorded(rule, history["lr"]), _gradient(net, loss, batches, clip, history), theta, steps,
        decay=_constant("decay", decay, theta), **constants,
    )  # fmt: skip
    sets = {"train": (x, y)} | ({} if test is None else {"test": _examples("test", test, net, theta)})
    moments = _moments(steps, test, every)
    evaluations = []
    for t, theta in enumerate(_progress(path, steps)):
        if t in moments:
            evaluations.append(_evaluate(net, loss, sets, theta))
    return _arrays(history, evaluations, moments, len(seeds), steps) | {"theta": theta}


def sweep(net, data, rule, rates, *, seeds=10, theta=None, **same):
    """Train with each of the A learning `rates` from each of the S seeds: `fit` with A S replicas.

    `theta` (S, D) is a start for each seed. Other arguments and the result as in `fit`, but arrays of the
    shape (A, S, ...); "step" stays (E,). Raises: as `fit`.
    """
    seeds, rates = check_seeds(seeds), _rates(rates)
    pairs = [(rate, row) for rate in rates for row in range(len(seeds))]
    parts = []
    for i in range(0, len(pairs), _REPLICAS):
        lr, rows = zip(*pairs[i : i + _REPLICAS], strict=True)
        begin = None if theta is None else theta[list(rows)]
        chosen = [seeds[row] for row in rows]
        parts.append(fit(net, data, rule, seeds=chosen, theta=begin, lr=np.array(lr)[:, None], **same))
    return {key: _joined(key, [part[key] for part in parts], len(rates)) for key in parts[0]}


def _rates(rates):
    array = np.asarray(rates, dtype=float)
    if array.ndim != 1 or not len(array) or not ((array >= 0) & (array < np.inf)).all():
        raise ValueError(f"sweep: rates={rates!r}, expected a list of numbers >= 0")
    return array


def _joined(key, parts, A):
    if key == "step":
        return parts[0]
    whole = torch.cat(parts) if key == "theta" else np.concatenate(parts)
    return whole.reshape(A, -1, *whole.shape[1:])


def _parameters(net, seeds, theta, data):
    if theta is None:
        double = str(getattr(data[0], "dtype", "")).endswith("float64")
        return start(net, seeds, dtype=torch.float64 if double else torch.float32)
    if tuple(theta.shape) != (len(seeds), net.size):
        raise ValueError(f"theta has shape {tuple(theta.shape)}, expected ({len(seeds)}, {net.size}): (R, D)")
    return theta.detach()


def _examples(owner, data, net, theta):
    """Inputs in the precision of theta and targets, labels (N,) or numbers (N, C), as tensors; checked."""
    x, y = data
    x, y = torch.as_tensor(x).to(theta.dtype).contiguous(), torch.as_tensor(y)
    if x.ndim != 2 or not len(x) or len(x) != len(y):
        raise ValueError(f"{owner}: x, y of shapes {tuple(x.shape)}, {tuple(y.shape)}, expected (N, P), (N, ...)")
    if not (x.isfinite().all() and y.isfinite().all()):
        raise ValueError(f"{owner}: x or y has NaN or infinite entries, expected finite numbers")
    if y.is_floating_point():
        return x, y.to(theta.dtype).reshape(len(y), -1)
    with torch.no_grad():
        check_range(y, net(x[:1], theta[:1]).shape[2])
    return x, y.to(torch.int64)


def _batch_size(batch, N):
    if batch is not None and not (isinstance(batch, int) and 1 <= batch <= N):
        raise ValueError(f"batch={batch!r}, expected an integer from 1 to N={N}, or None for all data")
    return batch


def _constant(key, value, theta):
    """A number, or a column (R, 1) in the precision of theta; a callable of the step gives one of them."""
    if callable(value):
        return lambda t: _constant(key, value(t), theta)
    if not getattr(value, "ndim", 0):
        return value
    R = len(theta)
    if tuple(value.shape) != (R, 1):
        raise ValueError(f"{key} has shape {tuple(value.shape)}, expected a number or shape (R, 1) = ({R}, 1)")
    return torch.as_tensor(value).to(theta.dtype)


def _batches(x, y, K, seeds):
    """Yield mini-batches for ever: x (R, K, P) and y (R, K) or (R, K, C), or all data for all replicas."""
    if K is None:
        while True:
            yield x, y
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
        (g,) = torch.autograd.grad(losses.sum(), theta)  # (1.1)
        history["loss"].append(losses.detach())
        history["grad_norm"].append(torch.linalg.vector_norm(g, dim=1))
        return clip(g) if clip else g

    return grad


def _recorded(rule, rates):
    """The same rule; each call appends its learning rate to `rates`."""

    @functools.wraps(rule)
    def recorded(g, *state, **constants):
        rates.append(constants["lr"])
        return rule(g, *state, **constants)

    recorded.__name__ = name(rule)
    return recorded if "lr" in signature(rule).constants else rule


def _moments(steps, test, every):
    if every is None:
        return [] if test is None else sorted({0, steps})
    if not (isinstance(every, int) and every >= 1):
        raise ValueError(f"every={every!r}, expected an integer >= 1")
    return sorted({*range(0, steps, every), steps})


@torch.no_grad()
def _evaluate(net, loss, sets, theta):
    """Mean loss (R,) on each set, and accuracy (R,) on the test set of labels, in blocks of rows."""
    result = {}
    for kind, (x, y) in sets.items():
        measures = {f"{kind}_loss": loss}
        if kind == "test" and not y.is_floating_point():
            measures["test_accuracy"] = accuracy
        total, rows = 0, max(1, _BLOCK // theta.shape[0] // x.shape[1])
        for xs, ys in zip(x.split(rows), y.split(rows), strict=True):
            outputs = net(xs, theta)
            total = total + len(xs) / len(x) * torch.stack([f(outputs, ys) for f in measures.values()])
        result |= dict(zip(measures, total, strict=True))
    return result


def _arrays(history, evaluations, moments, R, steps):
    """The recorded rows as arrays: one column per step (R, steps), per evaluation (R, E)."""
    rates = [np.broadcast_to(np.ravel(rate), R) for rate in history.pop("lr")]
    result = {key: np.stack(rows, axis=1) if rows else np.empty((R, steps)) for key, rows in history.items()}
    if rates or not steps:
        result["lr"] = np.stack(rates, axis=1).astype(float) if steps else np.empty((R, 0))
    if moments:
        result["step"] = np.array(moments)
        for key in evaluations[0]:
            result[key] = np.stack([row[key] for row in evaluations], axis=1)
    return result


def _progress(path, steps):
    """The path, with a progress bar in Jupyter unless the environment variable NNDL_PROGRESS is 0."""
    if "ipykernel" not in sys.modules or os.environ.get("NNDL_PROGRESS") == "0":
        return path
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm(path, total=steps + 1, leave=False)

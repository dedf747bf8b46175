"""What the drivers of `training` are given, checked and brought into one form.

Each function raises a ValueError that names the argument, what it found and what was expected.
"""

import numpy as np
import torch

from .networks import check_range, start


def whole(key, value, low, high=np.inf):
    """The value as an int. Raises: ValueError unless it is an integer from low to high."""
    if not (isinstance(value, (int, np.integer)) and low <= value <= high):
        raise ValueError(f"{key}={value!r}, expected an integer from {low} to {high}")
    return int(value)


def first_theta(net, seeds, theta, dtype):
    """The given start, checked, or the default one: float64 if x is, else float32."""
    if theta is None:
        return start(net, seeds, dtype=torch.float64 if dtype == torch.float64 else torch.float32)
    theta, shape = tensor(theta).detach(), (len(seeds), net.size)
    if tuple(theta.shape) != shape or not theta.is_floating_point():
        raise ValueError(f"theta: {theta.dtype} of shape {tuple(theta.shape)}, expected floats (R, D) = {shape}")
    return theta


def tensor(array):
    """A tensor that shares the memory of `array` where that may be written to."""
    return array if torch.is_tensor(array) else torch.as_tensor(np.require(array, requirements=["C", "W"]))


def pair(owner, data):
    """data as two tensors. Raises: ValueError for another number of items."""
    if len(data) != 2:
        raise ValueError(f"{owner}: {len(data)} items, expected a pair (x, y)")
    return tuple(map(tensor, data))


def examples(owner, data, net, theta):
    """Inputs (N, P) and numbers (N, C) in the precision of theta, or labels (N,) if C > 1 and y are integers."""
    x, y = pair(owner, data)
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


def constant(key, value, theta):
    """A number, or a column (R, 1) in the precision of theta; a callable of the step gives one of them."""
    if callable(value):
        return lambda t: constant(key, value(t), theta)
    if not getattr(value, "ndim", 0):
        return value
    R = len(theta)
    if tuple(value.shape) != (R, 1):
        raise ValueError(f"{key} has shape {tuple(value.shape)}, expected a number or shape (R, 1) = ({R}, 1)")
    return tensor(value).to(theta.dtype)

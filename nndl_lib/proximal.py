"""Proximal steps and projections: maps of the parameters for the keyword `project` of the drivers.

theta is (D,), or (R, D) with each row mapped on its own. NumPy arrays and torch tensors alike.
"""

import numpy as np

from .descent import check_constant
from .optimizers import _namespace, clip_norm


def soft_threshold(theta, threshold):
    """Each entry of theta moved towards 0 by `threshold`, and to 0 itself where it is no further away.

    It minimizes threshold |x| + (x - theta)^2 / 2: with threshold = lr lam the proximal operator of `regularizers.l1`.
    A number or a column (R, 1). Equation (R.22). Source: Parikh and Boyd 2014, section 6.5.
    Raises: ValueError for a threshold < 0 or of another shape.
    """
    threshold = column("soft_threshold", theta, "threshold", threshold)
    return theta - _namespace(theta).clip(theta, -threshold, threshold)  # (R.22)


def prox_elastic_net(theta, *, lr, lam1, lam2):
    """The proximal operator of lr times `regularizers.elastic_net`: threshold by lr lam1, shrink by 1 + lr lam2.

    The constants are numbers or columns (R, 1). Equation (R.24). Source: Parikh and Boyd 2014, section 6.5.
    Raises: ValueError for a constant < 0 or of another shape.
    """
    lr, lam1, lam2 = columns("prox_elastic_net", theta, lr=lr, lam1=lam1, lam2=lam2)
    return soft_threshold(theta, lr * lam1) / (1 + lr * lam2)  # (R.24)


def project_l2_ball(theta, radius):
    """The nearest point of Euclidean norm <= radius: the map that clips a gradient by its norm.

    Equation (R.26). Raises: ValueError unless theta is (D,) or (R, D) and radius > 0.
    """
    _check_theta("project_l2_ball", theta)
    return clip_norm(theta, b=_radius("project_l2_ball", "radius", radius))  # (R.26)


def project_l1_ball(theta, radius):
    """The nearest point whose |theta_i| add up to radius or less: a soft threshold, at the height where they do.

    Equation (R.27). Source: Duchi, Shalev-Shwartz, Singer and Chandra 2008, figure 1.
    Raises: ValueError unless theta is (D,) or (R, D) and radius > 0.
    """
    _check_theta("project_l1_ball", theta)
    xp, radius = _namespace(theta), _radius("project_l1_ball", "radius", radius)
    counts = xp.arange(1, theta.shape[-1] + 1, dtype=theta.dtype)
    excess = (_descending(abs(theta)).cumsum(-1) - radius) / counts
    height = xp.amax(excess, axis=-1, keepdims=True).clip(0)  # (R.27)
    return theta - xp.clip(theta, -height, height)  # (R.22)


def max_norm(W, c):
    """Each column of W (..., in, out), the weights into one unit, shortened to length c where it is longer.

    Equation (R.28). Source: Srivastava et al. 2014, section 5.1.
    Raises: ValueError unless c > 0 and W has two axes or more.
    """
    if W.ndim < 2:
        raise ValueError(f"max_norm: W of shape {tuple(W.shape)}, expected (..., in, out)")
    return clip_norm(W.swapaxes(-1, -2), b=_radius("max_norm", "c", c)).swapaxes(-1, -2)  # (R.28)


def columns(owner, theta, **given):
    """The constants `given` for theta (D,) or (R, D), checked, in their order.

    Raises: ValueError, TypeError for another shape of theta and as `column`.
    """
    _check_theta(owner, theta)
    return [column(owner, theta, key, value) for key, value in given.items()]


def column(owner, theta, key, value):
    """A number >= 0, or one for each row of theta (R, D): a column (R, 1) as an array of theta's kind.

    Raises: ValueError for another shape or a number that is negative, infinite or NaN; TypeError if it is none.
    """
    check_constant(owner, key, value)
    if not getattr(value, "ndim", 0):
        return value
    if getattr(theta, "ndim", 0) != 2 or tuple(value.shape) != (len(theta), 1):
        shapes = f"{tuple(value.shape)} for theta of shape {tuple(getattr(theta, 'shape', ()))}"
        raise ValueError(f"{owner}: {key} of shape {shapes}, expected a number, or (R, 1) for (R, D)")
    return _namespace(theta).asarray(value, dtype=theta.dtype)


def _descending(x):
    """x sorted along its last axis, the largest first."""
    ordered = _namespace(x).sort(-x)
    return -getattr(ordered, "values", ordered)  # torch returns the indices, too


def _check_theta(owner, theta):
    if getattr(theta, "ndim", 0) not in (1, 2):
        raise ValueError(f"{owner}: theta={theta!r}, expected an array (D,) or (R, D)")


def _radius(owner, key, radius):
    if not (np.ndim(radius) == 0 and 0 < radius < np.inf):
        raise ValueError(f"{owner}: {key}={radius!r}, expected a number > 0")
    return radius

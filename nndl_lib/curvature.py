"""The curvature of a loss: Hessian-vector products, the ends of the spectrum, slices.

A loss is any differentiable function `loss(theta (R, D)) -> (R,)` of torch, such as `risk(net, data)`.
"""

import numpy as np
import torch
from scipy.sparse.linalg import LinearOperator, eigsh

from .networks import cross_entropy


def risk(net, data, loss=cross_entropy):
    """The empirical risk theta (R, D) -> (R,) of `net` on all of `data` = (x, y)."""
    x, y = map(torch.as_tensor, data)
    return lambda theta: loss(net(x, theta), y)


def hessian_product(loss, theta, v):
    """H v (R, D) without the Hessian H: the derivative of g'v, for theta and v (R, D). Source: Pearlmutter 1994.

    Raises: ValueError unless theta is (R, D) of finite numbers, v has its shape and loss returns (R,).
    """
    _check_rows(theta)
    if v.shape != theta.shape:
        raise ValueError(f"hessian_product: v of shape {tuple(v.shape)}, expected theta's {tuple(theta.shape)}")
    theta = theta.detach().requires_grad_()
    losses = loss(theta)
    if losses.shape != theta.shape[:1]:
        raise ValueError(f"loss returned shape {tuple(losses.shape)}, expected (R,) = {(len(theta),)}")
    (g,) = torch.autograd.grad(losses.sum(), theta, create_graph=True)
    return torch.autograd.grad((g * v).sum(), theta)[0]


def hessian(loss, theta, *, rows=64):
    """The Hessians (R, D, D) at theta (R, D), `rows` columns at a time. Raises: as `hessian_product`."""
    _check_rows(theta)
    basis = torch.eye(theta.shape[1], dtype=theta.dtype).split(rows)
    parts = [[hessian_product(loss, row.expand(len(v), -1), v) for v in basis] for row in theta]
    H = torch.stack([torch.cat(part) for part in parts])
    return (H + H.mT) / 2


def extreme_eigenvalues(loss, theta, *, k=1, tol=1e-6):
    """The k lowest and the k highest eigenvalues of the Hessians at theta (R, D): values (R, 2k) in ascending order and
    unit eigenvectors (R, 2k, D).

    Lanczos' method needs Hessian-vector products only; up to D = 50 the Hessian itself is taken. The error of a
    value is about `tol` times the largest |value|. Raises: as `hessian_product`; ValueError unless 1 <= 2k <= D.
    """
    _check_rows(theta)
    D = theta.shape[1]
    if not (isinstance(k, (int, np.integer)) and 1 <= k <= D // 2):
        raise ValueError(f"extreme_eigenvalues: k={k!r}, expected an integer from 1 to D/2 with D = {D}")
    pairs = [_dense_ends(loss, row, k) if D <= 50 else _lanczos_ends(loss, row, k, tol) for row in theta[:, None]]
    return tuple(np.stack(part) for part in zip(*pairs, strict=True))


def _dense_ends(loss, row, k):
    values, vectors = np.linalg.eigh(hessian(loss, row)[0].double().numpy())
    ends = [*range(k), *range(len(values) - k, len(values))]
    return values[ends], vectors.T[ends]


def _lanczos_ends(loss, row, k, tol):
    """The high end of H, then of c - H, whose largest eigenvalues are c minus the lowest of H."""
    D = row.shape[1]
    start = np.random.default_rng(0).standard_normal(D)

    def product(v):
        return hessian_product(loss, row, torch.as_tensor(v.reshape(1, D), dtype=row.dtype))[0].double().numpy()

    def top(f):
        operator = LinearOperator((D, D), matvec=f, dtype=np.float64)
        values, vectors = eigsh(operator, k, which="LA", v0=start, tol=tol, ncv=min(D, max(20, 4 * k)))
        order = np.argsort(values)
        return values[order], vectors.T[order]

    high, high_vectors = top(product)
    c = abs(high[-1])
    low, low_vectors = top(lambda v: c * v.ravel() - product(v))
    return np.concatenate([c - low[::-1], high]), np.concatenate([low_vectors[::-1], high_vectors])


def sharpness(loss, theta):
    """The largest eigenvalue (R,) of the Hessian at theta (R, D): the highest curvature of any direction."""
    return extreme_eigenvalues(loss, theta)[0][:, -1]


def random_hessian(rng, D, n):
    """`n` symmetric matrices (n, D, D) of the Gaussian orthogonal ensemble, eigenvalues from about -2 to 2 for large D.

    Raises: ValueError unless D and n are integers >= 1.
    """
    if not all(isinstance(m, (int, np.integer)) and m >= 1 for m in (D, n)):
        raise ValueError(f"random_hessian: D={D!r}, n={n!r}, expected integers >= 1")
    A = rng.standard_normal((n, D, D))
    return (A + A.swapaxes(1, 2)) / (2 * D) ** 0.5


def filter_normalized(rng, net, theta):
    """A random direction (R, D) at theta (R, D): the weights into each unit as long as theta's, biases 0.

    Source: Li et al. 2018, section 4. Raises: ValueError, if theta is not (R, net.size).
    """
    _check_rows(theta)
    d = torch.as_tensor(rng.standard_normal(theta.shape), dtype=theta.dtype)
    for (W, _), (V, v) in zip(net.unpack(theta), net.unpack(d), strict=True):
        V *= W.norm(dim=1, keepdim=True) / V.norm(dim=1, keepdim=True)
        v.zero_()
    return d


def loss_slice(loss, theta, directions, *coordinates, rows=64):
    """The loss at theta + a d_1 + b d_2 + ...: an array with one axis for each of the `coordinates` a, b, ...

    theta is (D,), `directions` (k, D) and each coordinate a vector; `rows` points are evaluated at once.
    Raises: ValueError unless there are as many directions of theta's length as coordinates.
    """
    if theta.ndim != 1 or directions.shape != (len(coordinates), *theta.shape):
        shapes = f"theta {tuple(theta.shape)}, directions {tuple(directions.shape)}"
        raise ValueError(f"loss_slice: {shapes}, expected (D,) and (k, D) with k = {len(coordinates)} coordinates")
    grid = np.meshgrid(*coordinates, indexing="ij")
    steps = torch.as_tensor(np.stack([axis.ravel() for axis in grid], axis=1), dtype=theta.dtype)
    with torch.no_grad():
        values = torch.cat([loss(theta + part @ directions) for part in steps.split(rows)])
    return values.double().numpy().reshape(grid[0].shape)


def _check_rows(theta):
    if theta.ndim != 2 or not theta.is_floating_point():
        raise ValueError(f"theta: {theta.dtype} of shape {tuple(theta.shape)}, expected floats of shape (R, D)")
    if not theta.isfinite().all():
        raise ValueError("theta has entries that are NaN or infinite, expected finite numbers")

"""Normalization layers `y, vjp = layer(x, *params, **constants)` on NumPy arrays or torch tensors.

`vjp(dy)` gives the gradients of the inputs in their order; `vjp.stats` holds the mean and the variance used. Axis 0
of x counts samples, axis 1 units or channels, further axes are positions. Running statistics are in
`modules.BatchNorm`.
"""


def standardize(x, axes, *, eps=1e-5, mean=None, var=None):
    """x with mean 0 and variance 1 (up to eps) over `axes`; with `mean` and `var` given, by these constants instead.

    `vjp(dz)` takes into account that the statistics depend on x, unless they are given.
    Raises: ValueError unless eps >= 0 and both statistics or none are given.
    """
    _check(x, eps, mean, var)
    given = mean is not None
    mean = mean if given else x.mean(axis=axes, keepdims=True)  # (1.44)
    d = x - mean
    var = var if given else (d * d).mean(axis=axes, keepdims=True)  # (1.45)
    scale = 1 / (var + eps) ** 0.5
    z = d * scale  # (1.43)

    def vjp(dz):
        if given:
            return dz * scale
        a, b = dz.mean(axis=axes, keepdims=True), (dz * z).mean(axis=axes, keepdims=True)
        return (dz - a - z * b) * scale  # (N.12)

    vjp.stats = mean, var
    return z, vjp


def _check(x, eps, mean, var):
    if not 0 <= eps < float("inf"):
        raise ValueError(f"eps={eps!r}, expected a number >= 0")
    if (mean is None) != (var is None):
        raise ValueError("expected both mean and var, or none of them")


def batch_norm(x, gamma, beta, *, eps=1e-5, mean=None, var=None):
    """Each unit of x (K, n) over the K samples, or each channel of (K, n, *positions) over samples and positions.

    gamma, beta (n,). At test time `mean` and `var` (n,) are given. `vjp.stats` = mean, var (n,), biased.
    Equations (1.44)-(1.47). Source: Ioffe and Szegedy 2015, algorithm 1.
    Raises: ValueError for another shape or constant, NaN, or a single value per unit without given statistics.
    """
    _check_channels("batch_norm", x, gamma, beta)
    axes, shape = (0, *range(2, x.ndim)), _along(x, 1)
    if mean is None and _count(x, axes) < 2:
        raise ValueError(f"batch_norm: x of shape {tuple(x.shape)}, expected two values per unit or mean and var")
    given = {key: s if s is None else s.reshape(shape) for key, s in {"mean": mean, "var": var}.items()}
    z, back = _finite("batch_norm", standardize(x, axes, eps=eps, **given))
    y, vjp = _affine(z, back, gamma, beta, 1)
    vjp.stats = tuple(part.reshape(gamma.shape) for part in back.stats)
    return y, vjp


def layer_norm(x, gamma, beta, *, eps=1e-5):
    """Each sample of x (..., n) over its n units; gamma, beta (n,). Equations (1.49)-(1.52).

    Source: Ba, Kiros and Hinton 2016. Raises: ValueError for another shape or constant, or NaN.
    """
    _check_channels("layer_norm", x, gamma, beta, -1)
    z, back = _finite("layer_norm", standardize(x, -1, eps=eps))
    return _affine(z, back, gamma, beta, -1)


def group_norm(x, gamma, beta, *, groups, eps=1e-5):
    """Each sample of x (K, n, *positions) over the n / groups channels of a group and all positions; gamma, beta (n,).

    Source: Wu and He 2018. Raises: as `layer_norm`; ValueError unless groups divides n.
    """
    _check_channels("group_norm", x, gamma, beta)
    K, n = x.shape[:2]
    if not (isinstance(groups, int) and 1 <= groups <= n and n % groups == 0):
        raise ValueError(f"group_norm: groups={groups!r}, expected a divisor of the {n} channels")
    z, back = _finite("group_norm", standardize(x.reshape(K, groups, -1), -1, eps=eps))

    def ungrouped(dz):
        return back(dz.reshape(K, groups, -1)).reshape(x.shape)

    ungrouped.stats = back.stats
    return _affine(z.reshape(x.shape), ungrouped, gamma, beta, 1)


def instance_norm(x, gamma, beta, *, eps=1e-5):
    """Each channel of each sample of x (K, n, *positions) over its positions: groups of one channel; gamma, beta (n,).

    Source: Ulyanov, Vedaldi and Lempitsky 2016. Raises: as `layer_norm`; ValueError for a single position.
    """
    _check_channels("instance_norm", x, gamma, beta)
    if _count(x, range(2, x.ndim)) < 2:
        raise ValueError(f"instance_norm: x of shape {tuple(x.shape)}, expected (K, n, *positions), two or more")
    return group_norm(x, gamma, beta, groups=x.shape[1], eps=eps)


def weight_norm(v, g):
    """Weights of length g (n,) in the direction of v (n, ...): one row for each unit, as torch stores them.

    Source: Salimans and Kingma 2016, equation (2). Raises: ValueError for another shape, or a row of zeros or NaN.
    """
    if v.ndim < 2 or tuple(g.shape) != (len(v),):
        raise ValueError(f"weight_norm: v, g of shapes {tuple(v.shape)}, {tuple(g.shape)}, expected (n, ...) and (n,)")
    axes, g_ = tuple(range(1, v.ndim)), g.reshape(_along(v, 0))
    length = (v * v).sum(axis=axes, keepdims=True) ** 0.5
    if not bool((length > 0).all()):
        raise ValueError("weight_norm: v has a row of zeros or NaN, expected a direction for each unit")
    u = v / length

    def vjp(dW):
        along = (dW * u).sum(axis=axes, keepdims=True)
        return g_ / length * (dW - along * u), along.reshape(g.shape)  # (N.24)

    return g_ * u, vjp  # (1.55)


def local_response_norm(x, *, n=5, k=2.0, alpha=1e-4, beta=0.75):
    """Each channel of x (K, C, *positions) divided by what the channels around it, up to n // 2 away, add up to.

    The window is cut at the first and the last channel. Source: Krizhevsky, Sutskever and Hinton 2012, section 3.3.
    Differs: `F.local_response_norm` divides alpha by n, has k = 1 by default, and for even n a window of n channels.
    Raises: ValueError for another shape or a constant out of range.
    """
    if x.ndim < 2 or not (isinstance(n, int) and n >= 1):
        raise ValueError(f"local_response_norm: x of shape {tuple(x.shape)}, n={n!r}, expected (K, C, ...) and n >= 1")
    if not (k > 0 and alpha >= 0 and beta >= 0):
        raise ValueError(f"local_response_norm: k={k!r}, alpha={alpha!r}, beta={beta!r}, expected k > 0, others >= 0")

    def window(a):
        total = a * 1
        for d in range(1, min(n // 2, x.shape[1] - 1) + 1):
            total[:, d:] += a[:, :-d]
            total[:, :-d] += a[:, d:]
        return total

    D = k + alpha * window(x * x)

    def vjp(dy):
        return (dy * D**-beta - 2 * alpha * beta * x * window(dy * x * D ** (-beta - 1)),)  # (N.29)

    return x * D**-beta, vjp  # (1.56)


def _affine(z, back, gamma, beta, axis):
    """gamma z + beta with gamma and beta along `axis`, and the gradients through it and through `back`."""
    shape = _along(z, axis)
    over = tuple(i for i in range(z.ndim) if i != axis % z.ndim)

    def vjp(dy):
        return back(dy * gamma.reshape(shape)), (dy * z).sum(axis=over), dy.sum(axis=over)

    vjp.stats = back.stats
    return gamma.reshape(shape) * z + beta.reshape(shape), vjp  # (1.46)


def _along(x, axis):
    """The shape in which a vector of x.shape[axis] numbers fits x."""
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    return tuple(shape)


def _count(x, axes):
    """How many numbers a mean over `axes` has."""
    count = 1
    for axis in axes:
        count *= x.shape[axis]
    return count


def _finite(owner, standardized):
    """The same, unless x had entries that are not finite: then its statistics have them, too."""
    mean, var = standardized[1].stats
    if not abs(mean + var).sum() < float("inf"):
        raise ValueError(f"{owner}: x has entries that are NaN or infinite, expected finite numbers")
    return standardized


def _check_channels(owner, x, gamma, beta, axis=1):
    n = x.shape[axis] if x.ndim >= 2 else None
    if n is None or 0 in x.shape or tuple(gamma.shape) != (n,) or tuple(beta.shape) != (n,):
        shapes = ", ".join(str(tuple(part.shape)) for part in (x, gamma, beta))
        raise ValueError(f"{owner}: x, gamma, beta of shapes {shapes}, expected two axes or more and (n,) for n = {n}")

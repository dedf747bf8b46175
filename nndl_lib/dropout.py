"""Dropout and its relatives: random masks, layers that use them, and what takes their place at test time.

p is the DROP probability everywhere, as in torch; the probability to be kept is 1 - p. Masks are float32, in which
0 and 1 are exact, so that m * x has the precision of x. An axis of length 1 stands for one draw for all along it.
Layers are `y, vjp = layer(x, ..., mask)` on NumPy arrays or torch tensors; the gradient of a mask is None.
"""

import numpy as np

from .optimizers import _namespace


def mask(rng, shape, *, p=0.5):
    """Zeros with probability p and ones, independently, as float32; p is a number or an array of this shape.

    Equation (1.65). Source: Srivastava et al. 2014, section 4. Raises: ValueError unless p is in [0, 1].
    """
    u, drop = rng.random(shape), np.asarray(p)
    if drop.shape not in ((), u.shape) or not ((drop >= 0) & (drop <= 1)).all():
        raise ValueError(f"mask: p={p!r}, expected probabilities in [0, 1], one or an array {u.shape}")
    return (u >= drop).astype(np.float32)


def variational_mask(rng, shape, *, p=0.5):
    """A mask (K, 1, ...) for sequences of this shape (K, T, ...): the same at all T steps of a sequence.

    Source: Gal and Ghahramani 2016, section 4. Raises: ValueError unless there are two axes or more and p is in [0, 1].
    """
    K, _, *units = _axes("variational_mask", shape, "(K, T, ...)")
    return mask(rng, (K, 1, *units), p=p)


def spatial_mask(rng, shape, *, p=0.5):
    """A mask (K, C, 1, ...) for images of this shape (K, C, *positions): a channel is dropped as a whole.

    Source: Tompson et al. 2015, section 3.2; `nn.Dropout2d`. Raises: as `variational_mask`.
    """
    K, C, *positions = _axes("spatial_mask", shape, "(K, C, *positions)")
    return mask(rng, (K, C, *[1] * len(positions)), p=p)


def dropout(x, m):
    """x with each unit multiplied by its mask m, which has x's shape or 1 along some axes; for training.

    Equation (1.65). Source: Srivastava et al. 2014, section 4. Raises: ValueError for a mask of another shape.
    """
    _check_mask("dropout", x, m)

    def vjp(dy):
        return m * dy, None

    return m * x, vjp  # (1.65)


def dropout_test(x, *, p=0.5):
    """x times the probability 1 - p of being kept: the mean of `dropout` over its masks; for testing.

    Equation (1.65). Raises: ValueError unless p is in [0, 1].
    """
    _check_probability("dropout_test", p)

    def vjp(dy):
        return ((1 - p) * dy,)

    return (1 - p) * x, vjp  # (1.65)


def inverted_dropout(x, m, *, p=0.5):
    """`dropout` divided by 1 - p, so that its mean is x and nothing changes at test time.

    Equation (R.51). As in `nn.Dropout`. Raises: ValueError for a mask of another shape or p outside [0, 1).
    """
    _check_mask("inverted_dropout", x, m)
    _check_probability("inverted_dropout", p, least_kept=True)

    def vjp(dy):
        return m * dy / (1 - p), None

    return m * x / (1 - p), vjp  # (R.51)


def gaussian_mask(rng, shape, *, p=0.5):
    """Normal factors of mean 1 and variance p / (1 - p), those of the mask of `inverted_dropout`; float32.

    Equation (R.71). Source: Srivastava et al. 2014, section 10. Raises: ValueError unless p is in [0, 1).
    """
    _check_probability("gaussian_mask", p, least_kept=True)
    sigma = (p / (1 - p)) ** 0.5
    return (1 + sigma * rng.standard_normal(shape)).astype(np.float32)  # (R.71)


def gaussian_dropout(x, m):
    """x times the factors m of a `gaussian_mask`; nothing changes at test time. Raises: as `dropout`."""
    return dropout(x, m)


def dropconnect(x, W, M):
    """Inputs x (K, n) times weights W (n, m) of which some are dropped, for training; the activation f comes after it.

    M holds one mask of the weights for each sample, (K, n, m), or one for all, (1, n, m).
    Equation (R.74). Source: Wan et al. 2013, section 3. Raises: ValueError for other shapes.
    """
    _check_weights("dropconnect", x, W)
    if tuple(M.shape) not in ((len(x), *W.shape), (1, *W.shape)):
        raise ValueError(f"dropconnect: M of shape {tuple(M.shape)}, expected {(len(x), *W.shape)} or 1 mask for all")
    kept = M * W

    def vjp(dy):
        dx = (kept @ dy[:, :, None])[:, :, 0]
        return dx, (M * (x[:, :, None] * dy[:, None])).sum(axis=0), None

    return (x[:, None] @ kept)[:, 0], vjp  # (R.74)


def dropconnect_moments(x, W, *, p=0.5):
    """Mean and variance (K, m) of `dropconnect` over its masks, for x (K, n) and W (n, m).

    Equation (R.75). Source: Wan et al. 2013, section 3.2. Raises: ValueError for other shapes or p outside [0, 1].
    """
    _check_weights("dropconnect_moments", x, W)
    _check_probability("dropconnect_moments", p)
    return (1 - p) * (x @ W), p * (1 - p) * ((x * x) @ (W * W))  # (R.75)


def dropconnect_test(rng, x, W, f, *, p=0.5, samples=1000):
    """The mean (K, m) of f(u) over `samples` draws of normal u with the moments of `dropconnect`; for testing, no vjp.

    Equation (R.77). Source: Wan et al. 2013, algorithm 2. Raises: as `dropconnect_moments`; ValueError unless
    samples is an integer >= 1.
    """
    if not (isinstance(samples, (int, np.integer)) and samples >= 1):
        raise ValueError(f"dropconnect_test: samples={samples!r}, expected an integer >= 1")
    mean, variance = dropconnect_moments(x, W, p=p)
    noise = _namespace(mean).asarray(rng.standard_normal((samples, *mean.shape)), dtype=mean.dtype)
    return f(mean + variance**0.5 * noise).mean(axis=0)  # (R.77)


def standout_keep(x, W_s):
    """The probabilities g (K, m) to keep the units of a layer with inputs x (K, n): logistic in x W_s, W_s (n, m).

    Masks are drawn with `mask(rng, g.shape, p=1 - g)`. Equation (R.79). Source: Ba and Frey 2013.
    Raises: ValueError for other shapes.
    """
    _check_weights("standout_keep", x, W_s)
    return (1 + _namespace(x).tanh(x @ W_s / 2)) / 2  # (R.79)


def standout(h, m):
    """Activations h = f(x W) (K, m) times masks m whose probabilities depend on x; for training.

    Equation (R.80). Source: Ba and Frey 2013. Raises: as `dropout`.
    """
    return dropout(h, m)


def standout_test(h, g):
    """Activations h (K, m) times their probabilities g (K, m) to be kept: the mean of `standout`; for testing.

    Equation (R.80). Raises: ValueError for another shape of g.
    """
    if tuple(g.shape) != tuple(h.shape):
        raise ValueError(f"standout_test: g of shape {tuple(g.shape)}, expected {tuple(h.shape)}, the shape of h")

    def vjp(dy):
        return g * dy, h * dy

    return g * h, vjp  # (R.80)


def _axes(owner, shape, expected):
    if len(shape) < 2:
        raise ValueError(f"{owner}: shape {tuple(shape)}, expected {expected}")
    return shape


def _check_probability(owner, p, least_kept=False):
    if not (np.ndim(p) == 0 and (0 <= p < 1 if least_kept else 0 <= p <= 1)):
        raise ValueError(f"{owner}: p={p!r}, expected a drop probability in [0, 1{')' if least_kept else ']'}")


def _check_mask(owner, x, m):
    if m.ndim != x.ndim or any(a not in (1, b) for a, b in zip(m.shape, x.shape, strict=True)):
        raise ValueError(f"{owner}: mask of shape {tuple(m.shape)}, expected {tuple(x.shape)} or 1 along some axes")


def _check_weights(owner, x, W):
    if x.ndim != 2 or W.ndim != 2 or x.shape[1] != W.shape[0]:
        raise ValueError(f"{owner}: x, W of shapes {tuple(x.shape)}, {tuple(W.shape)}, expected (K, n) and (n, m)")

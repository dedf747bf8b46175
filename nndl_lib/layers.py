"""Layers `y, vjp = layer(x, *params, **constants)` on NumPy arrays: fully connected, convolution, pooling.

`vjp(dy)` gives the gradients of the inputs in their order. Images are (N, C, H, W), channels first.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def dense(x, W, b):
    """Net inputs x W + b of a fully connected layer: x (N, n), W (n, m), b (m,).

    Equations (F.5), (F.30). Raises: ValueError for other shapes.
    """
    if x.ndim != 2 or W.ndim != 2 or x.shape[1] != W.shape[0] or b.shape != W.shape[1:]:
        raise ValueError(f"dense: x, W, b of shapes {x.shape}, {W.shape}, {b.shape}, expected (N, n), (n, m), (m,)")

    def vjp(dz):
        return dz @ W.T, x.T @ dz, dz.sum(axis=0)  # (F.30)

    return x @ W + b, vjp  # (F.5)


def chain(*parts):
    """Layers one after the other as one layer: each part is `(layer, *params)`; `y, vjp = chain(*parts)(x)`.

    `vjp(dy)` gives the gradient of x and then, part by part, those of all parameters. Equation (F.31).
    """

    def forward(x):
        backs = []
        for layer, *params in parts:
            x, back = layer(x, *params)
            backs.append(back)

        def vjp(dy):
            gradients = []
            for back in reversed(backs):
                dy, *own = back(dy)  # (F.31)
                gradients = own + gradients
            return dy, *gradients

        return x, vjp

    return forward


def output_size(n, *, size, stride=1, padding=0):
    """How many places a window of `size` takes in n pixels with `padding` zeros at each end, in steps of `stride`.

    Equation (F.62). Raises: ValueError unless n, size, stride >= 1, padding >= 0 and the window fits.
    """
    if min(n, size, stride) < 1 or padding < 0 or n + 2 * padding < size:
        raise ValueError(
            f"output_size: n={n}, size={size}, stride={stride}, padding={padding}, expected n, size, stride >= 1, "
            "padding >= 0 and size <= n + 2 padding"
        )
    return (n - size + 2 * padding) // stride + 1  # (F.62)


def conv2d(x, w, b, *, stride=1, padding=0):
    """Filters w (M, C, F, G) at each place of the images x (N, C, H, W), plus b (M,): (N, M, H', W').

    Equation (F.64). Differs: in mathematics a convolution turns the filter by 180 degrees; this is, as in torch, a
    cross-correlation. Raises: ValueError for other shapes or a filter that does not fit.
    """
    if x.ndim != 4 or w.ndim != 4 or x.shape[1] != w.shape[1] or b.shape != w.shape[:1]:
        shapes = f"{x.shape}, {w.shape}, {b.shape}"
        raise ValueError(f"conv2d: x, w, b of shapes {shapes}, expected (N, C, H, W), (M, C, F, G), (M,)")
    patches, back = _windows(x, w.shape[2:], stride, padding)

    def vjp(dy):
        dw = np.einsum("nmij,ncijfg->mcfg", dy, patches, optimize=True)
        dx = back(np.einsum("nmij,mcfg->ncijfg", dy, w, optimize=True))
        return dx, dw, dy.sum(axis=(0, 2, 3))

    y = np.einsum("ncijfg,mcfg->nmij", patches, w, optimize=True)
    return y + b[:, None, None], vjp  # (F.64)


def max_pool(x, *, size=2, stride=None):
    """The largest value in each window of size x size pixels of x (N, C, H, W); `stride` is `size` by default.

    The first of several equal values gets the gradient, as in torch. Equation (F.68). Raises: as `output_size`.
    """
    patches, back = _windows(x, (size, size), stride or size, 0)
    flat = patches.reshape(*patches.shape[:4], -1)
    first = flat.argmax(axis=-1)[..., None]

    def vjp(dy):
        spread = np.zeros(flat.shape)
        np.put_along_axis(spread, first, dy[..., None], axis=-1)
        return (back(spread.reshape(patches.shape)),)

    return np.take_along_axis(flat, first, axis=-1)[..., 0], vjp  # (F.68)


def mean_pool(x, *, size=2, stride=None):
    """The mean of each window of size x size pixels of x (N, C, H, W). Equation (F.69). Raises: as `output_size`."""
    patches, back = _windows(x, (size, size), stride or size, 0)

    def vjp(dy):
        return (back(np.broadcast_to(dy[..., None, None] / size**2, patches.shape)),)

    return patches.mean(axis=(-2, -1)), vjp  # (F.69)


def local2d(x, w, b, *, stride=1, padding=0):
    """As `conv2d`, but each place has filters of its own: w (M, C, H', W', F, G), b (M, H', W'). Equation (F.66).

    Raises: ValueError for other shapes.
    """
    if x.ndim != 4 or w.ndim != 6 or x.shape[1] != w.shape[1] or b.shape != (w.shape[0], *w.shape[2:4]):
        shapes = f"{x.shape}, {w.shape}, {b.shape}"
        raise ValueError(
            f"local2d: x, w, b of shapes {shapes}, expected (N, C, H, W), (M, C, H', W', F, G), (M, H', W')"
        )
    patches, back = _windows(x, w.shape[4:], stride, padding)
    if patches.shape[2:4] != w.shape[2:4]:
        raise ValueError(f"local2d: w has filters for {w.shape[2:4]} places, expected {patches.shape[2:4]}")

    def vjp(dy):
        dw = np.einsum("nmij,ncijfg->mcijfg", dy, patches, optimize=True)
        return back(np.einsum("nmij,mcijfg->ncijfg", dy, w, optimize=True)), dw, dy.sum(axis=0)

    return np.einsum("ncijfg,mcijfg->nmij", patches, w, optimize=True) + b, vjp  # (F.66)


def _windows(x, sides, stride, padding):
    """The windows (N, C, H', W', F, G) of x, and the map that adds gradients of windows up to that of x."""
    if x.ndim != 4:
        raise ValueError(f"x has shape {x.shape}, expected images (N, C, H, W)")
    for n, size in zip(x.shape[2:], sides, strict=True):
        output_size(n, size=size, stride=stride, padding=padding)
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    patches = sliding_window_view(padded, sides, axis=(2, 3))[:, :, ::stride, ::stride]

    def back(dpatches):
        dx = np.zeros(padded.shape)
        rows, columns = patches.shape[2:4]
        for f in range(sides[0]):
            for g in range(sides[1]):
                dx[:, :, f : f + stride * rows : stride, g : g + stride * columns : stride] += dpatches[..., f, g]
        return dx[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]]

    return patches, back

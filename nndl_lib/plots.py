"""Figures in one style: `plot(data, *, ax=None) -> ax`. Importing the module sets the book's matplotlib style.

The palette is Okabe and Ito's, which readers with any colour vision can tell apart. Text in a figure is symbols and
names only, so that it serves every language.
"""

from importlib.resources import as_file, files

import matplotlib.pyplot as plt
import numpy as np

from .ledger import band as _band

with as_file(files("nndl_lib") / "nndl.mplstyle") as _style:
    plt.style.use(_style)


def axes(n=1, *, width=None, height=None, **options):
    """`n` axes side by side (one axes object for n = 1); width and height in inches."""
    size = (width or (6.4 if n == 1 else 4.2 * n), height or 3.6)
    return plt.subplots(1, n, figsize=size, **options)[1]


def _axes(ax):
    return axes() if ax is None else ax


def contour(landscape, *, ax=None, levels=24, log=True, points=200):
    """Level lines of a `Landscape` in its window, on a logarithmic scale of height unless `log=False`."""
    ax = _axes(ax)
    low1, high1, low2, high2 = landscape.window
    x, y = np.meshgrid(np.linspace(low1, high1, points), np.linspace(low2, high2, points))
    z = landscape.f(np.stack([x, y], axis=-1))
    if log:
        z = np.log10(z - z.min() + 1e-3 * (np.median(z) - z.min()) + 1e-300)
    ax.contourf(x, y, z, levels=levels, cmap="Greys", alpha=0.22)
    ax.contour(x, y, z, levels=levels, colors="0.55", linewidths=0.4, linestyles="solid")
    if landscape.minimum is not None:
        ax.plot(*landscape.minimum, "*", color="black", markersize=11, zorder=4)
    ax.set(xlim=(low1, high1), ylim=(low2, high2), xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
    ax.grid(False)
    return ax


def path(points, *, ax=None, **style):
    """A sequence of iterates (steps, 2) as a line with dots, its start marked by a ring."""
    ax = _axes(ax)
    points = np.asarray(points)
    (line,) = ax.plot(points[:, 0], points[:, 1], **{"marker": "o", "markersize": 2.5, "linewidth": 1.2} | style)
    ax.plot(*points[0], "o", markersize=8, markerfacecolor="none", color=line.get_color())
    return ax


def curves(x, ys, *, ax=None, **style):
    """One line per entry of the dict `ys`, labelled by its key; `x` is shared, or None for 0, 1, 2, ..."""
    ax = _axes(ax)
    for label, y in ys.items():
        y = np.asarray(y)
        ax.plot(np.arange(len(y)) if x is None else x, y, label=label, **style)
    ax.legend()
    return ax


def band(x, samples, *, ax=None, label=None, **style):
    """Median over the seeds and the 10-90 % band of `samples` (seeds, len(x)); `x=None` for 0, 1, 2, ..."""
    ax = _axes(ax)
    middle, low, high = _band(samples)
    x = np.arange(len(middle)) if x is None else x
    (line,) = ax.plot(x, middle, label=label, **style)
    ax.fill_between(x, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    return ax


def histogram(samples, *, ax=None, bins=40, **style):
    """Density of `samples` as an outlined histogram."""
    ax = _axes(ax)
    ax.hist(np.ravel(samples), **{"bins": bins, "density": True, "histtype": "stepfilled", "alpha": 0.5} | style)
    return ax


def arrows(start, vectors, *, ax=None, labels=None, colors=None, width=0.007, offset=(6, 4)):
    """Vectors (n, 2) from `start` (one point, or n points) as arrows; labels at their middle, moved by `offset`."""
    ax = _axes(ax)
    vectors = np.asarray(vectors, dtype=float)
    starts = np.broadcast_to(np.asarray(start, dtype=float), vectors.shape)
    colors = colors or [f"C{i}" for i in range(len(vectors))]
    for i, (a, v) in enumerate(zip(starts, vectors, strict=True)):
        ax.quiver(*a, *v, angles="xy", scale_units="xy", scale=1, color=colors[i], width=width, zorder=3)
        if labels:
            ax.annotate(labels[i], a + v / 2, textcoords="offset points", xytext=offset, color=colors[i])
    ax.set_aspect("equal")
    return ax

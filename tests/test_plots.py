"""The plots: each draws into a given axes, makes its own without one, and returns it."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pytest

from nndl_lib import landscapes, plots

POINTS = [[-2.0, 1.0], [-1.0, 0.5], [0.0, 0.0]]
PLOTS = {
    "contour": lambda ax: plots.contour(landscapes.quadratic(), ax=ax),
    "path": lambda ax: plots.path(POINTS, ax=ax),
    "curves": lambda ax: plots.curves(None, {"a": [1, 2, 3], "b": [3, 2, 1]}, ax=ax),
    "band": lambda ax: plots.band(None, np.arange(12.0).reshape(4, 3), ax=ax),
    "histogram": lambda ax: plots.histogram(np.arange(50.0), ax=ax),
    "arrows": lambda ax: plots.arrows([0, 0], [[1, 0], [0, 1]], ax=ax, labels=["a", "b"]),
}


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def drawn(ax):
    return len(ax.lines) + len(ax.collections) + len(ax.patches)


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_draws_into_the_axes_it_is_given_and_returns_it(name):
    ax = plt.subplots()[1]
    assert PLOTS[name](ax) is ax
    assert drawn(ax) > 0 and len(plt.get_fignums()) == 1
    ax.figure.canvas.draw()


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_without_axes_makes_its_own(name):
    ax = PLOTS[name](None)
    assert isinstance(ax, plt.Axes) and drawn(ax) > 0


def test_axes_are_one_or_a_row_of_the_given_size():
    assert isinstance(plots.axes(), plt.Axes)
    row = plots.axes(3, width=9, height=2, sharey=True)
    assert len(row) == 3 and row[0].figure.get_size_inches().tolist() == [9, 2]


@pytest.mark.parametrize("surface", [landscapes.quadratic(), landscapes.saddle(), landscapes.beale()])
def test_a_contour_fills_the_window_and_marks_the_minimum_if_there_is_one(surface):
    ax = plots.contour(surface)
    assert (*ax.get_xlim(), *ax.get_ylim()) == surface.window
    assert [tuple(line.get_xydata()[0]) for line in ax.lines] == ([surface.minimum] if surface.minimum else [])


def test_a_path_has_all_points_and_a_ring_at_the_start():
    line, ring = plots.path(POINTS).lines
    assert line.get_xydata().tolist() == POINTS and ring.get_xydata().tolist() == POINTS[:1]


def test_curves_are_labelled_by_their_keys_over_the_shared_x():
    ax = plots.curves([10, 20], {"a": [1, 2], "b": [3, 4]})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    assert ax.lines[1].get_xydata().tolist() == [[10, 3], [20, 4]]


def test_a_band_shows_the_median_and_the_quantiles():
    samples = np.arange(11.0)[:, None] * [1, 2]
    ax = plots.band([5, 6], samples)
    assert ax.lines[0].get_xydata().tolist() == [[5, 5], [6, 10]]
    corners = ax.collections[0].get_paths()[0].vertices
    assert {(5, 1), (5, 9), (6, 2), (6, 18)} <= {tuple(corner) for corner in corners.round(9).tolist()}


def test_a_histogram_is_a_density():
    ax = plots.histogram(np.random.default_rng(0).normal(size=(10, 100)), bins=20)
    outline = ax.patches[0].get_xy()
    x, y = outline[:, 0], outline[:, 1]
    assert abs((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2) == pytest.approx(1)


def test_arrows_may_start_at_one_point_or_at_their_own():
    vectors = [[1, 0], [0, 2]]
    together, apart = plots.arrows([1, 1], vectors), plots.arrows([[0, 0], [3, 3]], vectors)
    starts = [[tuple(q.get_offsets()[0]) for q in ax.collections] for ax in (together, apart)]
    assert starts == [[(1, 1), (1, 1)], [(0, 0), (3, 3)]]

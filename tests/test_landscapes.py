"""The landscapes: gradients, minima, the recurrent network's fixed points and cliff, bad input."""

import numpy as np
import pytest

from nndl_lib import landscapes

SURFACES = {
    "quadratic": landscapes.quadratic(h1=0.5, h2=7.0),
    "saddle": landscapes.saddle(),
    "rosenbrock": landscapes.rosenbrock(a=1.5, b=20.0),
    "beale": landscapes.beale(),
    "rnn_cliff": landscapes.rnn_cliff(steps=12),
}


def inside(surface, n):
    low1, high1, low2, high2 = surface.window
    return np.random.default_rng(0).uniform([low1, low2], [high1, high2], size=(n, 2))


@pytest.mark.parametrize("name", SURFACES)
def test_the_gradient_equals_finite_differences(name):
    surface, step = SURFACES[name], 1e-5
    theta = inside(surface, 50)
    shifts = step * np.eye(2)
    slopes = [(surface.f(theta + shift) - surface.f(theta - shift)) / (2 * step) for shift in shifts]
    np.testing.assert_allclose(surface.grad(theta), np.stack(slopes, axis=-1), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", SURFACES)
def test_one_point_and_many_points_give_the_same_numbers(name):
    surface = SURFACES[name]
    theta = inside(surface, 6).reshape(2, 3, 2)
    assert surface.f(theta).shape == (2, 3) and surface.grad(theta).shape == (2, 3, 2)
    for row, column in np.ndindex(2, 3):
        one = theta[row, column]
        np.testing.assert_allclose(surface.f(one), surface.f(theta)[row, column], rtol=1e-12)
        np.testing.assert_allclose(surface.grad(one), surface.grad(theta)[row, column], rtol=1e-12)
        np.testing.assert_allclose(surface.grad(one.tolist()), surface.grad(one), rtol=1e-12)


@pytest.mark.parametrize("name", SURFACES)
def test_the_start_lies_in_the_window_and_is_no_stationary_point(name):
    surface = SURFACES[name]
    low1, high1, low2, high2 = surface.window
    assert low1 <= surface.start[0] <= high1 and low2 <= surface.start[1] <= high2
    assert np.linalg.norm(surface.grad(np.array(surface.start))) > 0


@pytest.mark.parametrize("name", [name for name, surface in SURFACES.items() if surface.minimum])
def test_the_minimum_is_zero_stationary_and_below_its_surroundings(name):
    surface = SURFACES[name]
    minimum = np.array(surface.minimum)
    assert surface.f(minimum) == pytest.approx(0, abs=1e-15)
    np.testing.assert_allclose(surface.grad(minimum), 0, atol=1e-12)
    around = minimum + 1e-3 * np.stack([np.cos(np.arange(8)), np.sin(np.arange(8))], axis=-1)
    assert (surface.f(around) > 0).all()


def test_the_saddle_is_a_minimum_along_x_and_a_maximum_along_y():
    surface = landscapes.saddle()
    assert surface.f([1e-3, 0]) > surface.f([0, 0]) > surface.f([0, 1e-3])


# --- the recurrent network with one unit


def unstable(w):
    """The b at which the start 0.3 is a fixed point."""
    return np.log(0.3 / 0.7) - 0.3 * w


def test_the_states_start_at_h0_and_follow_the_logistic_map():
    h = landscapes.rnn_states([[2.0, -1.0], [5.0, -3.0]], steps=4)
    assert h.shape == (5, 2) and (h[0] == 0.3).all()
    np.testing.assert_allclose(h[1:], 1 / (1 + np.exp(-(h[:-1] * [2.0, 5.0] + [-1.0, -3.0]))), rtol=1e-12)


def test_a_start_at_a_fixed_point_stays_there():
    np.testing.assert_allclose(landscapes.rnn_states([3.0, unstable(3.0)]), 0.3, rtol=1e-12)


@pytest.mark.parametrize("w", [5.0, 5.5, 6.0])
def test_on_the_cliff_the_gradient_is_the_geometric_sum(w):
    m = 0.21 * w
    expected = 0.7 * 0.21 * (m**100 - 1) / (m - 1) * 1.09**0.5
    g = landscapes.rnn_cliff().grad([w, unstable(w)])
    assert np.linalg.norm(g) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("w, jump", [(5.0, 0.1), (6.0, 0.15)])
def test_the_loss_jumps_across_the_cliff(w, jump):
    low, high = landscapes.rnn_cliff().f([[w, unstable(w) - 0.01], [w, unstable(w) + 0.01]])
    assert low - high > jump


def test_there_is_no_cliff_where_the_largest_slope_of_the_map_is_below_one():
    theta = np.stack([np.full(2001, 3.0), np.linspace(-4.5, -1.0, 2001)], axis=-1)
    assert np.linalg.norm(landscapes.rnn_cliff().grad(theta), axis=-1).max() < 1


def test_the_constants_of_the_network_are_used():
    theta = np.array([2.0, -1.0])
    h = landscapes.rnn_states(theta, h0=0.9, steps=3)[-1]
    assert landscapes.rnn_cliff(h0=0.9, target=0.1, steps=3).f(theta) == pytest.approx((h - 0.1) ** 2)


# --- bad input


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("theta", [1.0, [1.0], [1.0, 2.0, 3.0], np.ones((2, 3)), []])
def test_a_point_without_two_coordinates_raises(name, theta):
    for function in (SURFACES[name].f, SURFACES[name].grad):
        with pytest.raises(ValueError, match=r"theta: shape .*, expected \(\.\.\., 2\)"):
            function(theta)


@pytest.mark.parametrize("h1, h2", [(0.0, 1.0), (1.0, -1.0), (np.nan, 1.0)])
def test_a_bowl_needs_positive_curvatures(h1, h2):
    with pytest.raises(ValueError, match="expected curvatures > 0"):
        landscapes.quadratic(h1=h1, h2=h2)

"""Proximal steps and projections: against brute force and scikit-learn, theorems, bad input."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize, minimize_scalar
from sklearn.linear_model import ElasticNet, Lasso

from nndl_lib.descent import trajectory
from nndl_lib.optimizers import momentum, sgd
from nndl_lib.proximal import max_norm, project_l1_ball, project_l2_ball, prox_elastic_net, soft_threshold
from nndl_lib.regularizers import elastic_net, l1

vectors = arrays(np.float64, st.integers(1, 8), elements=st.floats(-10, 10, width=32))
rng = np.random.default_rng(0)
X = rng.standard_normal((60, 8)) * np.linspace(0.5, 2, 8)
y = X @ np.array([3.0, 0, 0, -2, 0.05, 0, 1, 0]) + rng.standard_normal(60)


def grad(theta):
    return X.T @ (X @ theta - y) / 60


def last(*args, **kwargs):
    *_, theta = trajectory(*args, **kwargs)
    return theta


# --- Proximal operators


@pytest.mark.parametrize("theta", [-2.0, -0.4, 0.0, 0.3, 1.7])
def test_proximal_operators_minimize_penalty_plus_half_the_squared_distance(theta):
    def found(penalty):
        f = minimize_scalar(lambda x: 0.5 * penalty(np.array([x]))[0] + (x - theta) ** 2 / 2, tol=1e-12)
        return f.x

    assert soft_threshold(theta, 0.5 * 0.8) == pytest.approx(found(partial(l1, lam=0.8)), abs=1e-6)
    own = prox_elastic_net(np.array([theta]), lr=0.5, lam1=0.8, lam2=3.0)
    assert own[0] == pytest.approx(found(partial(elastic_net, lam1=0.8, lam2=3.0)), abs=1e-6)


def test_the_soft_threshold_moves_by_the_threshold_or_to_zero_itself():
    theta = np.array([-3.0, -1.0, -0.2, 0.0, 0.9, 1.5])
    np.testing.assert_array_equal(soft_threshold(theta, 1.0), [-2, 0, 0, 0, 0, 0.5])
    np.testing.assert_array_equal(soft_threshold(torch.tensor(theta), 1.0), [-2, 0, 0, 0, 0, 0.5])


def test_a_column_gives_each_replica_its_own_constants():
    theta, column = rng.standard_normal((3, 5)).astype(np.float32), np.array([[0.0], [0.5], [2.0]])
    for kind in (np.asarray, torch.as_tensor):
        thresholded = soft_threshold(kind(theta), column)
        shrunk = prox_elastic_net(kind(theta), lr=column, lam1=0.5, lam2=column)
        assert thresholded.dtype == shrunk.dtype == kind(theta).dtype
        for r, c in enumerate(column[:, 0]):
            np.testing.assert_allclose(thresholded[r], soft_threshold(theta[r], c), rtol=1e-6)
            np.testing.assert_allclose(shrunk[r], prox_elastic_net(theta[r], lr=c, lam1=0.5, lam2=c), rtol=1e-6)


def test_proximal_descent_reaches_scikit_learns_lasso_solution_with_the_same_zeros():
    """Its objective is |y - X theta|^2 / (2 N) + alpha |theta|_1."""
    theta = last(sgd, grad, np.zeros(8), 3000, lr=0.2, project=partial(soft_threshold, threshold=0.2 * 0.3))
    right = Lasso(alpha=0.3, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X, y).coef_
    np.testing.assert_allclose(theta, right, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(theta == 0, right == 0)
    assert 0 < (theta == 0).sum() < 8


def test_proximal_descent_reaches_scikit_learns_elastic_net_solution():
    step = partial(prox_elastic_net, lr=0.2, lam1=0.4 * 0.7, lam2=0.4 * 0.3)
    right = ElasticNet(alpha=0.4, l1_ratio=0.7, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X, y).coef_
    theta = last(sgd, grad, np.zeros(8), 3000, lr=0.2, project=step)
    np.testing.assert_allclose(theta, right, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(theta == 0, right == 0)


def test_the_subgradient_step_has_no_zeros_where_the_proximal_step_has():
    theta = last(sgd, lambda theta: grad(theta) + l1(theta, lam=0.3)[1](1)[0], np.ones(8), 3000, lr=0.2)
    assert (theta != 0).all()


# --- Projections


def brute_force(theta, norm, radius):
    """The projection by a general solver: theta = a - b with a, b >= 0 for the l1 ball."""
    D = len(theta)
    limit = {"type": "ineq", "fun": lambda z: radius - (z.sum() if norm == 1 else np.linalg.norm(z[:D] - z[D:]))}
    found = minimize(
        lambda z: ((z[:D] - z[D:] - theta) ** 2).sum(),
        np.full(2 * D, radius / (4 * D)),
        constraints=limit,
        bounds=[(0, None)] * 2 * D,
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    return found.x[:D] - found.x[D:]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("project", "norm"), [(project_l1_ball, 1), (project_l2_ball, 2)])
def test_a_projection_is_the_nearest_point_of_the_ball(project, norm, seed):
    theta = 3 * np.random.default_rng(seed).standard_normal(4)
    np.testing.assert_allclose(project(theta, 2.0), brute_force(theta, norm, 2.0), atol=1e-4)


@settings(deadline=None, derandomize=True)
@given(theta=vectors, radius=st.floats(0.125, 20))
@pytest.mark.parametrize(("project", "norm"), [(project_l1_ball, 1), (project_l2_ball, 2)])
def test_a_projection_lies_in_the_ball_and_leaves_its_points_alone(project, norm, theta, radius):
    inside = project(theta, radius)
    size = np.linalg.norm(theta, norm)
    assert np.linalg.norm(inside, norm) == pytest.approx(min(size, radius), rel=1e-9)
    if size < radius:
        np.testing.assert_array_equal(inside, theta)
    np.testing.assert_allclose(project(inside, radius), inside, atol=1e-12)


@settings(deadline=None, derandomize=True)
@given(theta=vectors, radius=st.floats(0.125, 20))
def test_the_projection_onto_the_l1_ball_satisfies_the_variational_inequality(theta, radius):
    """(theta - p)'(q - p) <= 0 for all points q of the ball; enough at its corners +-radius e_i."""
    p = project_l1_ball(theta, radius)
    away = theta - p
    assert radius * abs(away).max() - away @ p <= 1e-9 * (1 + abs(theta).max()) * radius


@pytest.mark.parametrize("project", [project_l1_ball, project_l2_ball])
def test_rows_are_projected_each_on_its_own_also_with_torch(project):
    theta = (3 * rng.standard_normal((5, 6))).astype(np.float32)
    theta[0] *= 1e-3
    theta[1, 2] = np.nan
    whole, torchs = project(theta, 1.5), project(torch.tensor(theta), 1.5)
    assert whole.dtype == np.float32 and torchs.dtype == torch.float32
    np.testing.assert_allclose(torchs, whole, rtol=1e-6)
    assert np.isnan(whole[1]).any()
    for r in (0, 2, 3, 4):
        np.testing.assert_allclose(whole[r], project(theta[r], 1.5), rtol=1e-6)


def test_max_norm_shortens_the_columns_that_are_too_long():
    W = np.array([[3.0, 0.3], [4.0, 0.4]])
    np.testing.assert_allclose(max_norm(W, 1.0), [[0.6, 0.3], [0.8, 0.4]])
    stack = rng.standard_normal((3, 5, 4))
    for shortened in (max_norm(stack, 1.0), max_norm(torch.tensor(stack), 1.0).numpy()):
        np.testing.assert_allclose(
            np.linalg.norm(shortened, axis=1), np.minimum(np.linalg.norm(stack, axis=1), 1), rtol=1e-12
        )
    renormed = torch.tensor(stack[0].T).renorm(2, 0, 1.0)
    np.testing.assert_allclose(max_norm(stack[0], 1.0), renormed.T, rtol=1e-6)


def test_projected_descent_ends_at_the_constrained_minimum_which_the_penalty_reaches_with_its_own_weight():
    """At the minimum on the l1 ball the largest |gradient| is the weight of the penalty with the same solution."""
    theta = last(sgd, grad, np.zeros(8), 4000, lr=0.2, project=partial(project_l1_ball, radius=3.0))
    assert abs(theta).sum() == pytest.approx(3)
    lam = abs(grad(theta)).max()
    right = Lasso(alpha=lam, fit_intercept=False, tol=1e-12, max_iter=100_000).fit(X, y).coef_
    np.testing.assert_allclose(theta, right, rtol=0, atol=1e-6)


def test_the_projection_acts_after_momentum_and_the_start_is_not_projected():
    path = list(trajectory(momentum, lambda t: -np.ones(2), np.full(2, 5.0), 3, lr=1.0,
                           project=partial(project_l2_ball, radius=2.0)))  # fmt: skip
    assert (path[0] == 5).all()
    np.testing.assert_allclose(path[1:], np.full((3, 2), 2**0.5))


# --- Bad input

THETA = np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: soft_threshold(THETA, -1), "threshold=-1, expected a number >= 0"),
        (lambda: soft_threshold(THETA, np.nan), "threshold=nan"),
        (lambda: soft_threshold(THETA, np.ones(3)), r"threshold of shape \(3,\)"),
        (lambda: soft_threshold(1.0, np.ones((2, 1))), r"for theta of shape \(\)"),
        (lambda: prox_elastic_net(THETA, lr=-0.1, lam1=1, lam2=1), "lr=-0.1"),
        (lambda: prox_elastic_net(THETA, lr=0.1, lam1=-1, lam2=1), "lam1=-1"),
        (lambda: prox_elastic_net(THETA, lr=0.1, lam1=1, lam2=np.ones((3, 1))), r"lam2 of shape \(3, 1\)"),
        (lambda: project_l1_ball(THETA, 0), "radius=0, expected a number > 0"),
        (lambda: project_l2_ball(THETA, -1), "radius=-1"),
        (lambda: project_l1_ball(THETA, np.ones((2, 1))), "radius="),
        (lambda: project_l1_ball(1.0, 1), "theta=1.0, expected an array"),
        (lambda: project_l2_ball(1.0, 1), "theta=1.0, expected an array"),
        (lambda: max_norm(THETA, 0), "c=0"),
        (lambda: max_norm(THETA[0], 1), r"W of shape \(3,\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

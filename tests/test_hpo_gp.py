"""Gaussian processes and acquisition functions: scikit-learn, quadrature, finite differences."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import check_grad
from scipy.stats import norm
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

from nndl_lib.hpo import (
    confidence_bound,
    expected_improvement,
    fit,
    gaussian_process,
    matern52,
    probability_of_improvement,
    rbf,
    squared_distances,
)
from nndl_lib.hpo.bayesian import log_prior, standardized

KERNELS = {matern52: lambda length: Matern(length, nu=2.5), rbf: RBF}


def data(n=12, d=3):
    rng = np.random.default_rng(0)
    return rng.random((n, d)), rng.normal(size=n), rng.random((7, d))


@pytest.mark.parametrize("kernel", KERNELS)
def test_posterior_and_likelihood_equal_scikit_learn(kernel):
    X, y, x = data()
    length, variance, noise = np.array([0.3, 0.7, 1.5]), 1.7, 0.01
    oracle = GaussianProcessRegressor(
        ConstantKernel(variance) * KERNELS[kernel](length) + WhiteKernel(noise), optimizer=None, alpha=0.0
    ).fit(X, y)
    process = gaussian_process(X, y, kernel=kernel, length=length, variance=variance, noise=noise)
    mean, std = oracle.predict(x, return_std=True)
    mu, sigma = process(x)
    np.testing.assert_allclose(mu, mean, atol=1e-8)
    np.testing.assert_allclose(sigma**2 + noise, std**2, atol=1e-8)  # scikit-learn adds the noise to what it predicts
    value, slope = oracle.log_marginal_likelihood(oracle.kernel_.theta, eval_gradient=True)
    np.testing.assert_allclose(process.log_likelihood, value, atol=1e-8)
    np.testing.assert_allclose(process.gradient(), slope[[1, 2, 3, 0, 4]], atol=1e-8)


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_kernels_slope_equals_finite_differences(kernel):
    s = np.array([0.1, 1.0, 4.0])
    k, vjp = kernel(s)
    step = 1e-6
    np.testing.assert_allclose(vjp(np.ones(3)), (kernel(s + step)[0] - kernel(s - step)[0]) / (2 * step), rtol=1e-7)


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_is_1_at_distance_0_and_its_matrix_is_positive_definite(kernel):
    X, *_ = data(30)
    K, _ = kernel(squared_distances(X, X))
    np.testing.assert_allclose(np.diag(K), 1, atol=1e-7)
    assert np.linalg.eigvalsh(K).min() > 0


def test_without_noise_the_posterior_goes_through_the_values_and_is_certain_there():
    X, y, _ = data()
    mu, sigma = gaussian_process(X, y, length=0.3, noise=1e-12)(X)
    np.testing.assert_allclose(mu, y, atol=1e-8)
    np.testing.assert_allclose(sigma, 0, atol=1e-5)


def test_far_from_all_values_the_posterior_is_the_prior():
    X, y, _ = data()
    mu, sigma = gaussian_process(X, y, length=0.1, variance=2.0)(np.full((1, 3), 50.0))
    np.testing.assert_allclose([mu[0], sigma[0]], [0, 2**0.5], atol=1e-9)


def test_conditioning_on_one_value_by_hand():
    process = gaussian_process(np.array([[0.0]]), np.array([1.0]), kernel=rbf, noise=0.25)
    mu, sigma = process(np.array([[1.0]]))
    k = np.exp(-0.5)
    np.testing.assert_allclose([mu[0], sigma[0] ** 2], [k / 1.25, 1 - k * k / 1.25], rtol=1e-14)


def test_the_prior_s_gradient_equals_finite_differences():
    logs = np.random.default_rng(0).normal(size=5)
    assert check_grad(lambda t: log_prior(t)[0], lambda t: log_prior(t)[1], logs) < 1e-6


def test_fit_finds_a_higher_posterior_than_any_random_constants():
    X, _, _ = data(40)
    y = standardized(np.sin(6 * X[:, 0]))

    def value(constants):
        logs = np.log([*constants["length"], constants["variance"], constants["noise"]])
        return gaussian_process(X, y, **constants).log_likelihood + log_prior(logs)[0]

    found, rng = fit(X, y), np.random.default_rng(1)
    for _ in range(200):
        length, variance, noise = np.split(np.exp(rng.normal([0, 0, 0, 0, -5], 1.5)), [3, 4])[0], 1.0, 1e-4
        assert value(found) >= value({"length": length, "variance": variance, "noise": noise})
    assert found["length"][0] < found["length"][1:].min()  # y depends on the first coordinate alone


@pytest.mark.parametrize(("mu", "sigma", "best"), [(0.3, 0.5, 0.1), (-1.0, 0.2, 0.0), (2.0, 1.0, 0.0)])
def test_expected_improvement_equals_its_integral(mu, sigma, best):
    integral = quad(lambda y: max(best - y, 0) * norm.pdf(y, mu, sigma), mu - 12 * sigma, best, epsabs=1e-14)[0]
    assert expected_improvement(mu, sigma, best) == pytest.approx(integral, abs=1e-12)


def test_expected_improvement_grows_with_sigma_and_falls_with_mu():
    mu, sigma = np.meshgrid(np.linspace(-1, 1, 21), np.linspace(0.1, 2, 20), indexing="ij")
    value = expected_improvement(mu, sigma, 0.0)
    assert (np.diff(value, axis=0) < 0).all() and (np.diff(value, axis=1) > 0).all()


def test_a_certain_value_improves_by_what_it_lies_below():
    mu, sigma = np.array([-1.0, 0.0, 1.0]), np.zeros(3)
    np.testing.assert_array_equal(expected_improvement(mu, sigma, 0.5), [1.5, 0.5, 0])
    np.testing.assert_array_equal(probability_of_improvement(mu, sigma, 0.5), [1, 1, 0])


def test_probability_of_improvement_is_the_normal_distribution():
    assert probability_of_improvement(1.0, 2.0, 0.0) == pytest.approx(norm.cdf(-0.5))


def test_the_confidence_bound_prefers_low_losses_and_uncertain_ones():
    value = confidence_bound(np.array([0.2, 0.9, 0.2]), np.array([0.1, 0.1, 0.3]))
    np.testing.assert_allclose(value, [0, -0.7, 0.4])


@pytest.mark.parametrize(
    ("X", "y", "constants", "message"),
    [
        (np.ones(3), np.ones(3), {}, r"X, y of shapes \(3,\), \(3,\), expected \(n, d\)"),
        (np.ones((3, 1)), np.ones(2), {}, "X, y of shapes"),
        (np.ones((0, 1)), np.ones(0), {}, "n >= 1"),
        (np.ones((1, 1)), np.array([np.nan]), {}, "NaN or infinite"),
        (np.ones((1, 1)), np.ones(1), {"noise": 0.0}, "noise=0.0, expected numbers > 0"),
        (np.ones((1, 1)), np.ones(1), {"length": -1.0}, "length=-1.0"),
        (np.ones((1, 1)), np.ones(1), {"variance": np.inf}, "variance=inf"),
    ],
)
def test_bad_input_is_named(X, y, constants, message):
    with pytest.raises(ValueError, match=message):
        gaussian_process(X, y, **constants)


def test_points_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match=r"x has shape \(2, 2\), expected \(m, 1\)"):
        gaussian_process(np.ones((1, 1)), np.ones(1))(np.ones((2, 2)))

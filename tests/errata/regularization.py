"""Misprints of the source texts on regularization: the right form passes, the misprint fails."""

import itertools
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from misprints import draws, erratum, number
from scipy.special import expit

from nndl_lib.augment import blur, flip, noise, rotate
from nndl_lib.descent import trajectory
from nndl_lib.dropout import (
    dropconnect,
    dropconnect_test,
    dropout_test,
    gaussian_mask,
    inverted_dropout,
    mask,
    standout,
    standout_keep,
    standout_test,
)
from nndl_lib.networks import start
from nndl_lib.optimizers import momentum, sgd
from nndl_lib.proximal import project_l1_ball, soft_threshold
from nndl_lib.recurrent import rnn
from nndl_lib.regularizers import l1, l2, label_smoothing, smooth_l1, torch_eps
from nndl_lib.thinned import thinned_rnn


def last(*args, **kwargs):
    *_, theta = trajectory(*args, **kwargs)
    return theta


def every_mask(n):
    return np.array(list(itertools.product([0.0, 1.0], repeat=n)))


def weights(masks, p):
    return np.prod(np.where(masks == 1, 1 - p, p), axis=-1)


# --- Penalties and constraints

THETA = np.array([3.0, 4.0])


def norm(theta, *, lam):
    return lam * np.linalg.norm(theta), lambda dy: (lam * theta / np.linalg.norm(theta),)


@erratum("err-l2-norm-squared", l2, norm)
def a_step_along_its_gradient_is_weight_decay_with_w_equal_to_lr_times_lam(penalty):
    return np.allclose(THETA - 0.1 * penalty(THETA, lam=0.5)[1](1)[0], (1 - 0.1 * 0.5) * THETA)


def minimum_with_penalty(lam):
    """Of (t - 3)^2 + lam |t|."""
    step = partial(soft_threshold, threshold=0.1 * lam)
    return last(sgd, lambda t: 2 * (t - 3), np.zeros(1), 500, lr=0.1, project=step)


@erratum("err-constraint-radius", lambda lam: 3 - lam / 2, lambda lam: 1.0)
def the_penalty_is_the_constraint_whose_radius_is(radius):
    def constrained(r):
        return last(sgd, lambda t: 2 * (t - 3), np.zeros(1), 500, lr=0.1, project=partial(project_l1_ball, radius=r))

    return all(np.allclose(minimum_with_penalty(lam), constrained(radius(lam))) for lam in (0.5, 1.0, 5.0))


@number("err-constraint-radius")
def with_two_valleys_no_price_has_the_radius_1():
    theta, prices = np.linspace(0, 3, 3001), np.linspace(0, 8, 401)[:, None]
    J = (theta**2 - 4) ** 2 / 16
    sizes = theta[(J + prices * theta).argmin(axis=1)]
    assert theta[:1001][J[:1001].argmin()] == 1 and ((sizes == 0) | (sizes > 1.6)).all()


@erratum("err-l1-sqrt", l1, partial(smooth_l1, eps=1e-6))
def the_penalty_vanishes_at_zero_and_is_linear(penalty):
    values = [penalty(np.array([t]), lam=1.0)[0] for t in (0.0, 1e-3, 2e-3)]
    return np.allclose(values, [0, 1e-3, 2e-3], rtol=0, atol=1e-9)


@erratum("err-l1-anywhere", np.any, np.all)
def l1_has_no_gradient_where_of_the_entries_being_zero_holds(some):
    def kink(theta):
        steps = 1e-6 * np.eye(2)
        here = l1(theta, lam=1)[0]
        slopes = [[(l1(theta + s * e, lam=1)[0] - here) / (s * 1e-6) for s in (-1, 1)] for e in steps]
        return not np.allclose(*np.transpose(slopes), atol=1e-3)

    points = (np.array(point) for point in ([1.0, 2.0], [1.0, 0.0], [0.0, 0.0]))
    return all(kink(theta) == some(theta == 0) for theta in points)


def proximal(theta):
    return last(sgd, np.zeros_like, theta, 50, lr=0.1, project=partial(soft_threshold, threshold=0.1 * 0.3))


def subgradient(theta):
    return last(sgd, lambda theta: l1(theta, lam=0.3)[1](1)[0], theta, 50, lr=0.1)


@erratum("err-l1-zero", proximal, subgradient)
def the_l1_step_ends_at_zero_itself(descend):
    return bool((descend(np.array([0.1, -0.25, 1.0])) == 0).all())


@erratum("err-constraint-strict", 0.0, 0.1)
def the_multiplier_of_a_constraint_that_is_not_active_is(alpha):
    """min (t - 1/2)^2 with |t| <= 1 has its minimum inside."""
    step = partial(soft_threshold, threshold=0.1 * alpha)
    return np.allclose(last(sgd, lambda t: 2 * (t - 0.5), np.zeros(1), 500, lr=0.1, project=step), 0.5)


@number("err-constraint-strict")
def without_convexity_no_multiplier_gives_the_constrained_minimum():
    """(t^2 - 4)^2 with |t| <= 1 has it at 1; the penalized minimum jumps from 1.63 to 0."""
    t = np.linspace(0, 3, 3001)
    J = (t**2 - 4) ** 2
    assert np.isclose(t[np.where(t <= 1, J, np.inf).argmin()], 1)
    best = np.array([t[(J + alpha * t).argmin()] for alpha in np.linspace(0, 30, 301)])
    assert (abs(best - 1) > 0.6).all()


H, BEST = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.0, -2.0])


@erratum("err-l2-tildes", lambda lam: np.linalg.solve(H + lam * np.eye(2), H @ BEST), lambda lam: BEST)
def the_penalized_gradient_vanishes_at(solution):
    w = solution(0.35)
    return np.allclose(H @ (w - BEST) + 0.35 * w, 0)


# --- Weight decay


@erratum("err-l2-shrink-range", lambda s: 0 < s < 2, lambda s: s > 0)
def the_factor_of_weight_decay_shrinks_the_weights_if_lr_times_lam_satisfies(condition):
    return all(condition(s) == (abs(1 - s) < 1) for s in (-0.5, 0.1, 0.9, 1.5, 1.9, 2.5))


def w_of_the_rate(theta, grad, rates):
    return last(sgd, grad, theta, len(rates), lr=lambda t: rates[t], decay=0.5)


def fixed_w(theta, grad, rates):
    for rate in rates:
        theta = (1 - 0.5 * rates[0]) * theta - rate * grad(theta)
    return theta


@erratum("err-wd-fixed-w", w_of_the_rate, fixed_w)
def under_a_decaying_rate_the_l2_penalty_is(decay):
    rates = 0.1 * 0.7 ** np.arange(10)
    penalized = last(sgd, lambda t: np.sin(t) + l2(t, lam=0.5)[1](1)[0], THETA, 10, lr=lambda t: rates[t])
    return np.allclose(decay(THETA, np.sin, rates), penalized, rtol=0, atol=1e-12)


@erratum("err-wd-0005", 0.01 * 0.0005, 0.0005)
def a_hundred_thousand_steps_leave_more_than_half_of_a_weight_with_w(w):
    return (1 - w) ** 100_000 > 0.5


@number("err-wd-0005")
def of_a_weight_without_gradient_there_is_left():
    assert np.allclose([(1 - w) ** 100_000 for w in (0.0005, 0.01 * 0.0005)], [1.9e-22, 0.607], rtol=0.02)


@erratum("err-wd-momentum", {"rule": sgd, "decay": 0.5}, {"rule": momentum, "rho": 0.9})
def without_a_gradient_the_weights_shrink_by(method):
    theta = last(grad=np.zeros_like, theta=THETA, steps=3, lr=0.1, **method)
    return np.allclose(theta, 0.95**3 * THETA)


@erratum("err-dropped-params", {"rule": sgd}, {"rule": momentum, "rho": 0.9})
@erratum("err-dropped-params", {"rule": sgd}, {"rule": sgd, "decay": 0.1})
def a_parameter_that_is_dropped_after_one_step_stays(method):
    gradients = iter([1.0, 0.0])
    path = list(trajectory(grad=lambda theta: next(gradients), theta=1.0, steps=2, lr=0.1, **method))
    return path[2] == path[1]


# --- Dropout


@erratum("err-dropout-p-conflict", 0.8, 0.2)
@erratum("err-dropout-002-scale", lambda p: 1 - p, lambda p: p)
def at_test_time_units_dropped_with_probability_one_fifth_are_multiplied_by(factor):
    h = np.array([1.0, -2.0, 3.0])
    factor = factor(0.2) if callable(factor) else factor
    mean = (h * mask(draws(), (100_000, 3), p=0.2)).mean(axis=0)
    return np.allclose(factor * h, dropout_test(h, p=0.2)[0]) and np.allclose(mean, factor * h, atol=0.02)


@erratum("err-dropout-000-bernoulli", lambda p: 1 - p, lambda p: p)
def with_the_test_factor_1_minus_p_a_unit_is_kept_with_probability(keep):
    kept = draws().random((100_000, 3)) < keep(0.2)
    h = np.array([1.0, -2.0, 3.0])
    return np.allclose((h * kept).mean(axis=0), dropout_test(h, p=0.2)[0], atol=0.02)


@erratum("err-dropout-input-rate", 0.1, 0.9)
def an_input_keeps_most_of_itself_at_the_drop_rate(p):
    x = draws().standard_normal(10_000)
    return ((x - x * mask(draws(), x.shape, p=p)) ** 2).sum() < 0.2 * (x**2).sum()


@number("err-dropout-input-never")
def a_mask_on_the_inputs_leaves_their_number_and_their_mean():
    x = np.array([1.0, -2.0, 3.0])
    masked, _ = inverted_dropout(np.tile(x, (8, 1)), every_mask(3), p=0.2)
    assert masked.shape == (8, 3)
    np.testing.assert_allclose(weights(every_mask(3), 0.2) @ masked, x)


@erratum("err-dropout-average", lambda z: z, lambda z: np.maximum(z, 0))
@erratum("err-dropout-average", lambda z: z, expit)
def the_scaled_network_is_the_mean_of_all_thinned_ones_with_outputs(f):
    h, w, masks = draws().standard_normal(10), np.random.default_rng(1).standard_normal(10), every_mask(10)
    return np.allclose(f((masks * h) @ w).mean(), f(0.5 * h @ w), rtol=0, atol=1e-9)


@number("err-dropout-average")
def the_scaled_logistic_unit_is_the_normalized_geometric_mean_of_all_thinned_ones():
    h, w = draws().standard_normal(10), np.random.default_rng(1).standard_normal(10)
    z = (every_mask(10) * h) @ w
    yes, no = (np.exp(np.log(expit(sign * z)).mean()) for sign in (1, -1))
    np.testing.assert_allclose(yes / (yes + no), expit(0.5 * h @ w), rtol=1e-12)


@erratum("err-dropout-granularity", "example", "mini-batch")
def torch_draws_a_mask_for_each(of):
    torch.manual_seed(0)
    rows = F.dropout(torch.ones(6, 50), 0.5)
    return bool((rows == rows[0]).all()) == (of == "mini-batch")


def entropy(p):
    return -p * np.log2(p) - (1 - p) * np.log2(1 - p)


def structures(p):
    return float((weights(every_mask(5), p) > 0).sum())


@erratum("err-dropout-most-structures", entropy, structures)
def at_one_half_there_is_the_largest(amount):
    return all(amount(0.5) > amount(p) + 0.01 for p in (0.1, 0.3, 0.8))


def by_inputs(X, p):
    return p / (1 - p) * np.diag((X**2).sum(axis=0))


def uniform(X, p):
    return np.trace(by_inputs(X, p)) / X.shape[1] * np.eye(X.shape[1])


@erratum("err-dropout-l2", by_inputs, uniform)
def inverted_dropout_in_linear_regression_is_the_l2_penalty_with_weights(penalty):
    """The minimum of the loss averaged over all masks is that of the penalized loss."""
    X, y, p = draws().standard_normal((6, 3)) * [0.5, 1, 3], np.arange(6.0), 0.4
    masks = every_mask(3) / (1 - p)
    A = sum(q * (m * X[n])[:, None] * (m * X[n]) for q, m in zip(weights(every_mask(3), p), masks, strict=True)
            for n in range(6))  # fmt: skip
    return np.allclose(np.linalg.solve(A, X.T @ y), np.linalg.solve(X.T @ X + penalty(X, p), X.T @ y))


@erratum("err-dropout-cost", 0.3, 3.0)
def without_dropout_each_step_lowers_the_loss_at_the_rate(lr):
    X = draws().standard_normal((50, 3))
    H = X.T @ X / 50
    losses = [theta @ H @ theta / 2 for theta in trajectory(sgd, lambda t: H @ t, np.ones(3), 20, lr=lr)]
    return bool((np.diff(losses) < 0).all())


def inverted_before(h, m, w):
    return expit((m * h / 0.5) @ w)


def scaled_after(h, m, w):
    return expit((m * h) @ w) / 0.5


@erratum("err-dropout-slide-scale", inverted_before, scaled_after)
def the_output_of_a_logistic_unit_stays_a_probability(train):
    h, w = abs(draws().standard_normal(10)), np.ones(10)
    return bool((train(h, every_mask(10), w) <= 1).all())


@number("err-dropout-slide-scale")
def between_hidden_layers_both_scalings_are_one():
    """Layer 2 is masked next, so its factor stands behind its mask; only the input's factor is missing."""
    rng = draws()
    h, w, v, m = rng.random(10), rng.standard_normal((10, 8)), rng.standard_normal(8), mask(rng, (1000, 8))
    np.testing.assert_allclose((m * scaled_after(h, 1.0, w)) @ v, (m * expit(h @ w) / 0.5) @ v)


# --- Relatives of dropout


def mean_of_samples(x, W, f):
    return dropconnect_test(draws(), x, W, f, samples=50_000)


def product_with_samples(x, W, f):
    return f(x @ W) * mean_of_samples(x, W, f)


@erratum("err-dropconnect-test", mean_of_samples, product_with_samples)
def the_test_output_of_dropconnect_is_the_mean_over_its_masks(test):
    x, W = draws().standard_normal((1, 12)), np.random.default_rng(3).standard_normal((12, 1))
    exact = [f(dropconnect(x.repeat(4096, 0), W, every_mask(12)[:, :, None])[0]).mean()
             for f in (expit, lambda u: np.maximum(u, 0))]  # fmt: skip
    return np.allclose([test(x, W, f)[0, 0] for f in (expit, lambda u: np.maximum(u, 0))], exact, atol=0.02)


@erratum("err-standout-test", lambda g: g, lambda g: 1 - g)
def the_test_output_of_standout_is_the_mean_over_masks_kept_with_g_with_the_factor(factor):
    x, W, W_s = (np.random.default_rng(seed).standard_normal(s) for seed, s in enumerate([(1, 4), (4, 6), (4, 6)]))
    h, g = np.maximum(x @ W, 0), standout_keep(x, W_s)
    mean = weights(every_mask(6), 1 - g) @ standout(h.repeat(64, 0), every_mask(6))[0]
    return np.allclose(standout_test(h, factor(g))[0][0], mean)


@erratum("err-standout-test", "outside", "inside")
def a_unit_that_is_dropped_gives_zero_with_the_mask(where):
    z, m = draws().standard_normal(5), np.zeros(5)
    return bool(((m * expit(z) if where == "outside" else expit(m * z)) == 0).all())


@erratum("err-gaussian-dropout-var", lambda p: p / (1 - p), lambda p: p * (1 - p))
def gaussian_factors_and_scaled_masks_have_the_variance(variance):
    pairs = [(gaussian_mask(draws(), (200_000,), p=p), mask(draws(), (200_000,), p=p) / (1 - p)) for p in (0.2, 0.5)]
    return all(np.isclose(m.var(), variance(p), rtol=0.03) for p, ms in zip((0.2, 0.5), pairs, strict=True) for m in ms)


def of_units(rng, n):
    return np.repeat(mask(rng, (n, 1)), n, axis=1)


def of_elements(rng, n):
    return mask(rng, (n, n))


@erratum("err-variational-elementwise", of_units, of_elements)
def variational_dropout_masks_the_recurrent_matrix(draw):
    """A mask M of U does what a mask of the states does, the same at all steps."""
    net, M = rnn(5, 2, 4, 3), torch.tensor(draw(draws(), 4)).double()
    theta, x = start(net, 1, dtype=torch.float64), torch.tensor(draws().standard_normal((6, 10)))
    masked = theta.clone()
    net.unpack(masked)[1][0].mul_(M)
    one = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    return torch.allclose(thinned_rnn(net, x, theta, [one, M[None, None, None, :, 0], one]), net(x, masked))


@number("err-variational-elementwise")
def the_recurrent_matrix_of_an_lstm_with_128_units_has_rows_and_elements():
    gates, units = torch.nn.LSTM(128, 128).weight_hh_l0.shape
    assert units == 128 and gates * units == 65_536


def posterior(y, x):
    """Of y = theta x + noise of variance 1 with theta ~ N(0, 1): mean and deviation."""
    variance = 1 / (1 + (x * x).sum())
    return variance * (x * y).sum(), variance**0.5


@erratum("err-bayes-prior", posterior, lambda y, x: (0.0, 1.0))
def the_prediction_averages_over_parameters_that_fit_the_data_drawn_from(distribution):
    x = draws().standard_normal(100)
    y = 1.5 * x + np.random.default_rng(1).standard_normal(100)
    mean, deviation = distribution(y, x)
    thetas = mean + deviation * np.random.default_rng(2).standard_normal(1000)
    return abs(thetas.mean() - 1.5) < 0.3


# --- Augmentation, soft targets


@erratum("err-flip-angle", partial(flip, p=1), partial(rotate, degrees=90))
def a_flip_twice_is_the_image_again(change):
    x = draws().random((20, 8, 8))
    return np.allclose(change(np.random.default_rng(1), change(np.random.default_rng(1), x)), x)


@erratum("err-aug-terms", noise, blur)
def noise_makes_an_image_rougher(change):
    x = draws().random((20, 8, 8))
    return bool(abs(np.diff(change(draws(), x), axis=1)).sum() > abs(np.diff(x, axis=1)).sum())


@erratum("err-label-smoothing-variant", torch_eps, lambda eps, K: eps)
def the_books_targets_are_torchs_with_eps(convert):
    logits, y = torch.tensor(draws().standard_normal((7, 5))), torch.as_tensor(draws().integers(0, 5, 7))
    own = F.cross_entropy(logits, torch.as_tensor(label_smoothing(y.numpy(), 5, eps=0.1)))
    return torch.allclose(own, F.cross_entropy(logits, y, label_smoothing=convert(0.1, 5)))


def noise_of_others(p, K):
    return np.full(K, p / (K - 1)), 1 - p


def noise_of_all(p, K):
    return np.full(K, p / K), 1 - p + p / K


@number("err-label-smoothing-variant")
def both_conventions_are_the_expected_target_under_label_noise():
    """A label replaced by one of the others, or by any class at random: the book's eps is the chance of another."""
    for noise_of, eps in [(noise_of_others, 0.1), (noise_of_all, 0.1 * 3 / 4)]:
        others, own = noise_of(0.1, 4)
        expected = np.where(np.arange(4) == 2, own, others)
        np.testing.assert_allclose(label_smoothing(np.array([2]), 4, eps=eps)[0], expected)


# --- What regularization is

X, Y = draws().standard_normal((12, 10)), np.random.default_rng(1).standard_normal(12)


def ridge():
    return np.linalg.solve(X.T @ X / 12 + np.eye(10), X.T @ Y / 12)


def too_large_rate():
    return last(sgd, lambda t: X.T @ (X @ t - Y) / 12, np.zeros(10), 50, lr=5.0)


@erratum("err-reg-any-harm", ridge, too_large_rate)
def what_harms_the_training_loss_lowers_the_expected_one(method):
    """All targets are noise around 0, inputs have the identity as covariance: the expected error is 1 + |theta|^2."""
    plain = np.linalg.lstsq(X, Y)[0]
    theta = method()
    worse = ((X @ theta - Y) ** 2).mean() > ((X @ plain - Y) ** 2).mean()
    return bool(worse and theta @ theta < plain @ plain)

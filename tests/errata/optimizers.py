"""Misprints of the source texts about optimizers: the right form passes a theorem or an oracle, the misprint fails it.
"""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from misprints import erratum, number
from oracles import RULES, run

from nndl_lib.descent import attribute, signature, trajectory
from nndl_lib.optimizers import (
    adadelta,
    adagrad,
    adam,
    adamw,
    clip_norm,
    clip_value,
    momentum,
    nadam,
    nesterov,
    rmsprop,
    sgd,
)
from nndl_lib.schedules import exponential, inverse_time, linear_scaling, natural_exponential


def close(a, b, rel=1e-9):
    return bool(np.allclose(a, b, rtol=rel, atol=0))


def steps_of(optimizer, gradients, **constants):
    """The updates of an optimizer of torch for given gradients."""
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    optimizer, path = getattr(torch.optim, optimizer)([p], **constants), [0.0]
    for g in gradients:
        p.grad = torch.tensor([g], dtype=torch.float64)
        optimizer.step()
        path.append(p.item())
    return np.diff(path)


# --- Schedules ---

DECAYS = [inverse_time, exponential, natural_exponential]


@erratum("err-decay-096", [{}] * 3, [{"beta": 0.96}] * 3)
def the_rate_of_each_update_is_still_useful_after_a_hundred(constants):
    return all(decay(100, lr=1.0, **c) > 0.1 for decay, c in zip(DECAYS, constants, strict=True))


@erratum("err-epoch-ceil", lambda N, K: math.ceil(N / K), lambda N, K: N / K)
def updates_per_epoch_are_the_slices_of_the_data(updates):
    return all(updates(N, K) == len(range(0, N, K)) for N, K in [(60000, 128), (10, 5), (3, 4)])


@erratum("err-linear-scaling-distance", "epoch", "step")
def with_the_rate_in_proportion_to_the_batch_the_distance_stays(unit):
    K = np.array([32, 64, 256])
    steps = {"step": 1, "epoch": 10240 / K}[unit]
    return close(steps * linear_scaling(K, lr=0.1, K_ref=32), 32.0 if unit == "epoch" else 0.1)


@erratum("err-bigger-batch-better", 2, 4)
def four_times_the_batch_divides_the_error_of_the_mean_by(factor):
    errors = [np.std(np.mean(list(itertools.product([1, 2, 6], repeat=K)), axis=1)) for K in (1, 4)]
    return close(errors[0] / errors[1], factor)


def excess_loss(noise, lr=0.1):
    """Of SGD, batch size 1, on least squares with or without noise in the targets."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    y = X @ [1.0, -2.0, 0.5] + noise * rng.normal(size=50)
    best = np.linalg.lstsq(X, y)[0]

    def grad(theta):
        i = rng.integers(50)
        return (X[i] @ theta - y[i]) * X[i]

    *_, theta = trajectory(sgd, grad, np.zeros(3), 3000, lr=lr)
    return np.mean((X @ theta - y) ** 2) - np.mean((X @ best - y) ** 2)


@erratum("err-sgd-must-decay", 0.0, 1.0)
@erratum("err-batch1-converge", 0.0, 1.0)
def a_constant_rate_converges_where_every_example_is_fitted(noise):
    return abs(excess_loss(noise)) < 1e-20


@erratum("err-batch1-converge", partial(inverse_time, lr=0.1, beta=0.05), 0.1)
def with_single_examples_and_noise_a_thousandth_of_the_loss_at_the_start_is_reached_at_the_rate(lr):
    return excess_loss(1.0, lr) < 5e-3


def excess_of_batch(K, lr):
    """The mean excess loss of 200 runs of SGD on noisy least squares, once it has become stationary."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    y = X @ [1.0, -2.0, 0.5] + rng.normal(size=50)
    best = np.linalg.lstsq(X, y)[0]

    def grad(theta):
        i = rng.integers(50, size=(200, K))
        return np.einsum("rk,rkd->rd", np.einsum("rkd,rd->rk", X[i], theta) - y[i], X[i]) / K

    *_, theta = trajectory(sgd, grad, np.tile(best, (200, 1)), 400, lr=lr)
    return np.mean((X @ theta.T - y[:, None]) ** 2) - np.mean((X @ best - y) ** 2)


@erratum("err-small-batch", 1 / 16, 1)
def single_examples_are_as_good_as_batches_of_16_with_the_rate_times(factor):
    return 0.5 < excess_of_batch(1, 0.2 * factor) / excess_of_batch(16, 0.2) < 2


@erratum("err-illcond-curvature", 0.015, 0.03)
def the_cost_falls_at_condition_number_one_while_the_rate_is_below_two_over_the_curvature(lr):
    start, end = trajectory(sgd, lambda theta: 100 * theta, np.ones(2), 1, lr=lr)
    return 50 * end @ end < 50 * start @ start


# --- Adaptive rates ---


def with_l2(g, G=0, *, theta=1.0, lr=0.01, eps=1e-10):
    return adagrad(g + 0.1 * theta, G, lr=lr, eps=eps)


@erratum("err-adagrad-l2-origin", adagrad, with_l2)
def without_gradient_adagrad_stays(rule):
    return rule(0.0)[0] == 0


@erratum("err-eps-e-7", [1e-7, 1e-10], [math.exp(-7), math.exp(-10)])
def the_first_step_for_a_gradient_of_a_hundredth_is_the_rate_to_a_thousandth(range_of_eps):
    rules = (adagrad, adam)
    return all(close(rule(0.01, lr=1.0, eps=eps)[0], -1, 1e-3) for rule in rules for eps in range_of_eps)


def outside(g, t=0, M=0, G=0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    delta, t, M, G = adam(g, t, M, G, lr=lr, beta1=beta1, beta2=beta2, eps=0)
    root = (G / (1 - beta2**t)) ** 0.5
    return delta * root / (root + eps), t, M, G


@erratum("err-eps-placement", adam, outside)
def inside_the_root_epsilon_hides_gradients_below_its_own_root(rule):
    return close(-rule(1e-6, lr=1.0, eps=1e-8)[0], 1e-2, 1e-3)


@erratum("err-eps-placement", outside, adam)
def torch_has_epsilon_outside(rule):
    constants = dict(lr=1.0, eps=1e-4)
    return close(run(rule, [1e-5, 3e-5], **constants)[0], steps_of("Adam", [1e-5, 3e-5], **constants))


@erratum("err-adagrad-no-eps", 1e-10, 0.0)
def a_coordinate_without_gradient_stays_where_it_is(eps):
    with np.errstate(invalid="ignore", divide="ignore"):
        return all((rule(np.zeros(2), eps=eps)[0] == 0).all() for rule in (adagrad, rmsprop, adam))


def averages_updates(g, G=0, X=0, *, lr=1.0, beta=0.9, eps=1e-6):
    delta, G, _ = adadelta(g, G, X, lr=lr, beta=beta, eps=eps)
    return delta, G, beta * X + (1 - beta) * abs(delta)


def window_of_ten(g, past=(0.0,) * 10, X=0, *, lr=1.0, beta=0.9, eps=1e-6):
    past = (*past[1:], g * g)
    delta = -lr * ((X + eps) / (np.mean(past) + eps)) ** 0.5 * g
    return delta, past, beta * X + (1 - beta) * delta * delta


@erratum("err-adadelta-squares", adadelta, averages_updates)
@erratum("err-adadelta-window", adadelta, window_of_ten)
def adadelta_is_that_of_torch(rule):
    g = [1.0, -0.5, 2.0, 0.3]
    constants = dict(lr=1.0, eps=1e-6)
    return close(run(rule, g, **constants)[0], steps_of("Adadelta", g, **constants))


def no_epsilon_above(g, G=0, X=0, *, beta=0.9, eps=1e-6):
    G = beta * G + (1 - beta) * g * g
    delta = -(X**0.5) / (G + eps) ** 0.5 * g
    return delta, G, beta * X + (1 - beta) * delta * delta


@erratum("err-adadelta-numerator-eps", adadelta, no_epsilon_above)
def adadelta_leaves_its_start(rule):
    *_, theta = trajectory(rule, lambda theta: theta, 1.0, 300)
    return theta < 0.2


def rate(rule, g, **constants):
    """The effective learning rate after constant gradients of each value of `g`, a thousand times each."""
    state, rates = (), []
    for value in g:
        for _ in range(1000):
            delta, *state = rule(value, *state, **constants)
        rates.append(-delta / value)
    return rates


@erratum("err-adam-lr-decreases", adagrad, adam)
def the_rate_never_rises_when_gradients_fall(rule):
    constants = {"beta2": 0.99} if rule is adam else {}
    before, after = rate(rule, [1.0, 0.01], lr=1e-3, **constants)
    return after <= before


@erratum("err-rmsprop-vanish", "rate", "gradient")
def on_a_slope_that_flattens_out_rmsprop_does_not_let_vanish_the(quantity):
    def slope(theta):
        return -1 / (1 + np.exp(theta))

    path = np.array(list(trajectory(rmsprop, slope, 0.0, 1000, lr=0.01)))
    g = slope(path[:-1])
    values = {"rate": -np.diff(path) / g, "gradient": -g}[quantity]
    return values[-1] > values[0] / 10


@erratum("err-adadelta-large-grad", -1, 1)
def the_rate_of_adadelta_is_a_power_of_the_scale_of_the_gradient_with_exponent(exponent):
    rates = np.array([rate(adadelta, [c])[0] for c in (1.0, 10.0, 100.0)])
    return close(rates / rates[0], np.array([1.0, 10.0, 100.0]) ** exponent, 1e-3)


@erratum("err-adadelta-large-grad", -0.5, 0.5)
def after_a_jump_of_the_gradient_the_rate_of_adadelta_changes_by_its_root_with_sign(exponent):
    before, after = rate(adadelta, [1.0, 10.0])
    return close(after / before, 10.0**exponent, 0.05)


def signs(g, *, lr=0.01):
    return (-lr * np.sign(g),)


@erratum("err-rprop-cancel", sgd, signs)
def gradients_that_sum_to_zero_leave_theta_in_its_place(rule):
    return abs(sum(run(rule, [0.1] * 9 + [-0.9], lr=1.0)[0])) < 1e-12


@number("err-rprop-cancel")
def steps_by_sign_drift_by_eight():
    assert sum(run(signs, [0.1] * 9 + [-0.9], lr=1.0)[0]) == -8


SPEED = dict(sgd=698, momentum=140, nesterov=132, rmsprop=73, adadelta=37, adam=78, adagrad=1264)


def escape(rule, y):
    """The number of steps until |y| >= 1 on x^2 - y^2, from x = 1."""
    constants = {} if rule is adadelta else {"lr": 0.01}
    path = trajectory(rule, lambda theta: np.array([2, -2]) * theta, np.array([1.0, y]), 2000, **constants)
    return next((t for t, theta in enumerate(path) if abs(theta[1]) >= 1), math.inf)


@erratum("err-saddle-adaptive", [rmsprop, adam, adadelta], [adagrad, rmsprop, adadelta])
def these_rules_leave_the_saddle_before_gradient_descent(rules):
    return all(escape(rule, 1e-6) < escape(sgd, 1e-6) for rule in rules)


@erratum("err-saddle-adaptive", 1e-6, 0.0)
def every_rule_leaves_the_saddle_from(y):
    rules = [sgd, momentum, nesterov, adagrad, rmsprop, adadelta, adam]
    return {rule.__name__: escape(rule, y) for rule in rules} == SPEED


# --- Momentum ---


@erratum("err-momentum-average", 10, 1)
def the_weights_of_past_gradients_sum_to_the_rate_times(factor):
    return close(run(momentum, [1.0] * 300, lr=0.1, rho=0.9)[0][-1], -0.1 * factor)


@erratum("err-ex11-ref", momentum, nesterov)
def the_update_is_the_moving_average_of_the_gradients_at_the_parameters_times(rule):
    """Of -lr / (1 - rho) g(theta); Nesterov's rule averages the gradients at the points ahead."""
    path, average = list(trajectory(rule, np.tanh, 2.0, 20, lr=0.1, rho=0.9)), 0.0
    for theta in path[:-1]:
        average = 0.9 * average - (1 - 0.9) * 0.1 / (1 - 0.9) * np.tanh(theta)
    return close(path[-1] - path[-2], average)


def difference(g, last=0, *, lr=1.0, rho=0.9):
    """The momentum term taken for a second derivative: the last gradient's difference to this one."""
    return -lr * g - lr * rho * (g - last), g


@erratum("err-momentum-second-derivative", momentum, difference)
def the_momentum_term_is_there_without_curvature(rule):
    delta = run(rule, [3.0, 3.0], lr=1.0, rho=0.9)[0]
    return close(delta[1] - delta[0], -2.7)


def minus(g, v=0, *, lr=0.01, rho=0.9):
    v = -rho * v - lr * g
    return v, v


@erratum("err-momentum-expansion-sign", momentum, minus)
def the_velocity_is_the_weighted_sum_of_gradients(rule):
    g = [3.0, -1.0, 2.0]
    return close(run(rule, g, lr=0.1, rho=0.9)[0][-1], -0.1 * (0.81 * 3 - 0.9 + 2))


@erratum("err-g0", 0, 1)
def the_weighted_sum_starts_with_the_first_gradient_and_not_earlier(extra):
    return close(run(momentum, [1.0] * 4, lr=1.0, rho=0.5)[0][-1], -sum(0.5**j for j in range(4 + extra)))


def newton(g, *, curvature):
    return (-g / curvature,)


@erratum("err-nag-newton", partial(newton, curvature=7.0), partial(nesterov, lr=0.01))
def one_step_reaches_the_minimum_of_a_parabola(rule):
    *_, theta = trajectory(rule, lambda theta: 7.0 * theta, 1.0, 1)
    return abs(theta) < 1e-12


# --- Adam ---


def slide_sign(g, t=0, M=0, G=0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    delta, t, M, G = adam(-g, t, M, G, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return delta, t, M, G


@erratum("err-adam-slide-sign", adam, slide_sign)
def adam_descends(rule):
    *_, theta = trajectory(rule, lambda theta: theta, 1.0, 200, lr=0.02)
    return theta**2 / 2 < 0.01


def uncorrected(g, t=0, M=0, G=0, *, lr=1e-3, beta1=0.9, beta2=0.999, eps=1e-8):
    _, t, M, G = adam(g, t, M, G, lr=lr, beta1=beta1, beta2=beta2, eps=eps)
    return -lr / (G + eps) ** 0.5 * M, t, M, G


@erratum("err-adam-slide-code", adam, uncorrected)
def under_a_constant_gradient_every_step_of_adam_is_the_rate(rule):
    return close(run(rule, [3.0] * 20, lr=1.0, eps=0)[0], -1)


@erratum("err-bias-wording", lambda M, factor: M / factor, lambda M, factor: M / (1 / factor))
def corrected_by_one_minus_beta_the_first_moment_is_the_first_gradient(corrected):
    _, t, M, _ = run(adam, [3.0], beta1=0.9)
    return close(corrected(M[0], 1 - 0.9 ** t[0]), 3.0)


@erratum("err-adam-bias-smaller", abs, float)
def the_early_moment_is_below_that_of_the_gradient_in(measure):
    _, t, M, _ = run(adam, [-1.0] * 3)
    return close(M[-1], -0.271) and measure(M[-1]) < measure(-1.0)


@erratum("err-adam-beta2", signature(adam).constants["beta2"], 0.99)
def beta2_is_that_of_torch(beta2):
    return beta2 == torch.optim.Adam([torch.zeros(1)]).defaults["betas"][1]


ADAGRAD_AND_ADADELTA = [signature(rule).constants["lr"] for rule in (adagrad, adadelta)]


@erratum("err-lr-advice", ADAGRAD_AND_ADADELTA, [1e-3, 1e-3])
def the_default_rates_are_those_of_torch(rates):
    optimizers = (torch.optim.Adagrad, torch.optim.Adadelta)
    return rates == [optimizer([torch.zeros(1)]).defaults["lr"] for optimizer in optimizers]


# --- Clipping ---


def norm_squared(g, *, b=1.0):
    square = g @ g
    return g if square <= b else b / square**0.5 * g


def to_an_interval(g, *, b=1.0):
    norm = np.linalg.norm(g)
    return np.clip(norm, b / 2, b) / norm * g


@erratum("err-clip-norm-square", clip_norm, norm_squared)
@erratum("err-clip-interval", clip_norm, to_an_interval)
def the_clipped_norm_is_the_smaller_of_norm_and_threshold(clip):
    lengths = [(3.0, 4.0), (0.4, 0.25), (0.1, 1.0), (5.0, 2.0)]
    return all(close(np.linalg.norm(clip(np.array([0.6, 0.8]) * n, b=b)), min(n, b)) for n, b in lengths)


@erratum("err-clip-norm-square", clip_norm, norm_squared)
def clipping_never_enlarges(clip):
    return np.linalg.norm(clip(np.array([3.0, 0.0]), b=4.0)) <= 3


@erratum("err-clip-norm-square", clip_norm, norm_squared)
def clipping_misses_nothing(clip):
    return close(np.linalg.norm(clip(np.array([0.4, 0.0]), b=0.25)), 0.25)


@erratum("err-table11-clipping", clip_norm, clip_value)
def clipping_keeps_the_direction(clip):
    g = np.array([0.1, 10.0])
    return close(g @ clip(g) / np.linalg.norm(g) / np.linalg.norm(clip(g)), 1.0, 1e-12)


def below_b(g, *, a=-1.0, b=1.0):
    return np.where(g < a, a, np.where(g < b, b, g))


@erratum("err-clip-value-typo", clip_value, below_b)
def values_above_b_become_b_and_those_between_stay(clip):
    return clip(np.array([-3.0, 0.5, 3.0])).tolist() == [-1, 0.5, 1]


# --- More numbers ---


@number("err-saddle-adaptive")
def no_rule_leaves_a_saddle_along_a_coordinate_that_starts_at_zero():
    for rule in RULES:
        path = trajectory(rule, lambda theta: np.array([2, -2]) * theta, np.array([1.0, 0.0]), 500)
        assert all(theta[1] == 0 for theta in path)


@number("err-decay-096")
def an_exponential_decay_by_096_suits_epochs():
    assert exponential(20, lr=1.0, beta=0.96) == pytest.approx(0.44, abs=5e-3)


@number("err-decay-096")
def numbers_of_the_decays_by_096_at_a_hundred_updates():
    rates = [decay(100, lr=1.0, beta=0.96) for decay in DECAYS]
    assert rates == pytest.approx([0.0103, 0.0169, 2.03e-42], rel=5e-3)


@number("err-eps-placement")
def torch_has_epsilon_outside_the_root_but_for_adadelta():
    """The gradient is 1e-5 and epsilon 1e-4: outside a root the step is near 0.1, inside near 0.001."""
    for optimizer, outside in [("Adam", True), ("RMSprop", True), ("Adagrad", True), ("Adadelta", False)]:
        step = -steps_of(optimizer, [1e-5], lr=1.0, eps=1e-4)[0]
        assert (0.09 < step < 0.1) == outside and (step < 0.002) != outside


@number("err-nag-newton")
def nesterov_is_still_on_its_way_after_fifty_steps():
    *_, theta = trajectory(nesterov, lambda theta: theta, 1.0, 50, lr=0.1, rho=0.9)
    assert abs(theta) > 1e-3


@number("err-illcond-curvature")
def a_step_too_long_raises_the_cost_also_at_condition_number_one():
    start, end = trajectory(sgd, lambda theta: 100 * theta, np.ones(2), 1, lr=0.03)
    assert 50 * end @ end - 50 * start @ start == pytest.approx(300)


@number("err-adagrad-l2-origin")
def only_adamw_shrinks_on_its_own():
    assert attribute(adamw, "decay") == 0.01
    for rule in (sgd, momentum, adagrad, rmsprop, adadelta, adam, nadam):
        assert list(trajectory(rule, lambda theta: 0.0, 1.0, 1)) == [1, 1]


def best_loss(rule):
    """After 50 steps on a steep and a flat coordinate, at the best of sixteen rates."""
    H = np.array([100.0, 1.0])
    paths = [trajectory(rule, lambda theta: H * theta, np.ones(2), 50, lr=lr) for lr in 0.001 * 1.7 ** np.arange(16)]
    with np.errstate(over="ignore"):
        return np.nanmin([(H * theta**2).sum() / 2 for *_, theta in paths])


@erratum("err-adagrad-problem-list", adagrad, sgd)
def a_steep_and_a_flat_coordinate_advance_alike(rule):
    *_, theta = trajectory(rule, lambda theta: np.array([100.0, 1.0]) * theta, np.ones(2), 20, lr=0.01)
    return close(theta[0], theta[1], 1e-6)


@number("err-adagrad-problem-list")
def to_slow_down_on_steep_and_speed_up_on_flat_coordinates_pays():
    assert best_loss(adagrad) < best_loss(sgd) / 1000


@number("err-adam-slide-code")
def the_first_step_of_adam_without_correction():
    assert -run(uncorrected, [3.0], lr=1.0, eps=0)[0][0] == pytest.approx(3.16, abs=0.01)
    assert -run(uncorrected, [3.0], lr=1.0, beta2=0.99, eps=0)[0][0] == pytest.approx(1)

"""Misprints of the source texts about initialization: the right form passes a theorem, the misprint fails it.
"""

from functools import partial

import numpy as np
import torch
from misprints import draws, erratum, number

from nndl_lib.activations import logistic
from nndl_lib.data import digits
from nndl_lib.descent import trajectory
from nndl_lib.initializers import fixed, he, lecun, normal, orthogonal, uniform, xavier
from nndl_lib.networks import cross_entropy, mlp, start
from nndl_lib.optimizers import adam, sgd
from nndl_lib.training import fit


def gradient_ratio(activation, gain):
    """The gradient at the first hidden layer over that at the last, of ten layers of width 400, in mean square."""
    net = mlp(*[400] * 12, activation=activation)
    x = torch.as_tensor(draws().standard_normal((100, 400)))
    theta = start(net, 1, variance=partial(xavier, gain=gain), distribution=uniform, dtype=torch.float64)
    layers = list(net.layers(x, theta.requires_grad_()))
    first, last = torch.autograd.grad(layers[-1].square().sum(), [layers[0], layers[-2]])
    return (first.norm() / last.norm()).item()


@erratum("err-xavier-swap", {"tanh": 1, "sigmoid": 4}, {"tanh": 4, "sigmoid": 1})
def the_gradient_of_ten_layers_neither_explodes_nor_disappears(gains):
    """It shrinks a hundredfold or so where the gain is right; exchanged, it grows, or is lost in a millionth."""
    ratios = [gradient_ratio(getattr(torch, name), gain) for name, gain in gains.items()]
    return all(1e-4 < ratio < 2 for ratio in ratios)


@erratum("err-eq-1.37", lambda n, m: 2 / (n + m), lambda n, m: 1)
def the_range_of_xavier_follows_from_the_variance(variance):
    r = (3 * variance(300, 200)) ** 0.5
    return bool(
        np.isclose(r, (6 / 500) ** 0.5) and np.isclose(uniform(draws(), 200_000, r**2 / 3).std(), r / 3**0.5, rtol=0.01)
    )


@erratum("err-gauss-init-notation", 0.5, 1.0)
def normal_weights_of_standard_deviation_n_to_the_minus_keep_unit_variance(power):
    """The root of 1/n is a standard deviation: read as a variance (std n^-1/4) or forgotten (1/n) it is wrong."""
    n, rng = 100, draws()
    z = rng.standard_normal((4000, n)) @ (rng.standard_normal((n, 50)) * n**-power)
    return abs(z.var() - 1) < 0.15


@erratum("err-xavier-linear-logistic", torch.tanh, torch.sigmoid)
def the_mean_activation_is_zero_for(activation):
    z = torch.as_tensor(draws().standard_normal(100_000))
    return abs(activation(z).mean().item()) < 0.02


def product_of_means(w, x):
    return np.sum((w**2).mean(axis=0) * (x**2).mean(axis=0))


def sum_of_means(w, x):
    return np.sum((w**2).mean(axis=0)) + np.sum((x**2).mean(axis=0))


@erratum("err-variance-sum", product_of_means, sum_of_means)
def the_variance_of_a_sum_of_products_is(formula):
    rng = draws()
    w, x = 0.1 * rng.standard_normal((40_000, 100)), 2 * rng.standard_normal((40_000, 100))
    return bool(np.isclose((w * x).sum(axis=1).var(), formula(w, x), rtol=0.05))


@erratum("err-he-divide", 2, 0.5)
def relu_layers_keep_the_signal_with_xaviers_variance_times(factor):
    rng, h = draws(), draws().standard_normal((50, 400))
    first = (h**2).mean()
    for _ in range(12):
        h = np.maximum(h @ normal(rng, (400, 400), factor * xavier(400, 400)), 0)
    return 0.3 < (h**2).mean() / first < 3


@erratum("err-he-fan", he, lambda n, m: 4 / (n + m))
def relu_layers_of_falling_widths_keep_the_signal_with(variance):
    rng, h = draws(), draws().standard_normal((50, 1024))
    first = (h**2).mean()
    for n, m in [(1024, 512), (512, 256), (256, 128), (128, 64)]:
        h = np.maximum(h @ normal(rng, (n, m), variance(n, m)), 0)
    return 0.4 < (h**2).mean() / first < 1.8


@erratum("err-nin-nout", (200, 200), (300, 100))
def one_variance_keeps_signal_and_gradient_for_widths(widths):
    n, m = widths
    return lecun(n, m) == lecun(m, n) == xavier(n, m)


@erratum("err-norm-identity", lambda W: W.T @ W, lambda W: np.linalg.norm(W, 2))
def lengths_are_kept_if_and_only_if_the_identity_is(form):
    W = orthogonal(draws(), (5, 5))
    x = draws().standard_normal(5)
    assert np.isclose(np.linalg.norm(W @ x), np.linalg.norm(x))
    return np.shape(form(W)) == (5, 5) and np.allclose(form(W), np.eye(5))


def gradients(activation, theta):
    net = mlp(4, 3, 2, activation=activation)
    x = torch.as_tensor(draws().standard_normal((20, 4)))
    theta = theta(net).requires_grad_()
    (g,) = torch.autograd.grad(cross_entropy(net(x, theta), (torch.arange(20) % 3) // 2).sum(), theta)
    return net, theta.detach(), g


@erratum("err-zero-init-kinds", {"tanh": 0, "relu": 0, "sigmoid": 1}, {"tanh": 1, "relu": 1, "sigmoid": 1})
def from_zero_weights_the_hidden_weights_learn_after_a_step(learns):
    """The first step moves the output weights only if the hidden outputs are not zero: for the logistic function."""

    def moved(name):
        net, theta, g = gradients(getattr(torch, name), lambda net: torch.zeros(1, net.size, dtype=torch.float64))
        _, _, g = gradients(getattr(torch, name), lambda net: theta - g)
        return int(net.unpack(g)[0][0].abs().max() > 1e-8)

    return all(moved(name) == expected for name, expected in learns.items())


@erratum("err-same-init-result", "units", "inputs")
def equal_starting_weights_have_equal_gradients_across(kind):
    """Of (R, inputs, units): equal across the units, not across the inputs of one."""

    def equal_units(net):
        theta = torch.full((1, net.size), 0.3, dtype=torch.float64)
        net.unpack(theta)[1][0][..., 1] = -0.2
        return theta

    net, _, g = gradients(torch.tanh, equal_units)
    W = net.unpack(g)[0][0].numpy()
    assert abs(W).max() > 1e-3
    return np.ptp(W, axis={"inputs": 1, "units": 2}[kind]).max() < 1e-12


@erratum("err-valley-maximum", lambda v: v**3 - v, lambda v: v)
def descent_from_the_line_of_symmetry_misses_lower_points_on_both_sides_of_a(slope_across):
    """The line is the ridge v = 0 between two valleys, v^4/4 - v^2/2, or the valley v^2/2 between two slopes."""

    def ends(v):
        *_, theta = trajectory(sgd, lambda theta: np.array([theta[0], slope_across(theta[1])]), np.array([1.0, v]), 500)
        return theta

    return np.allclose(ends(0.0), 0, atol=0.01) and not np.allclose(ends(1e-3)[1], 0, atol=0.01)


@erratum("err-init-001-std", 0.01, 0.1)
def ten_tanh_layers_lose_the_signal_with_standard_deviation(std):
    rng, h = draws(), draws().standard_normal((100, 500))
    for _ in range(10):
        h = np.tanh(h @ normal(rng, (500, 500), fixed(500, 500, std=std)))
    return h.std() < 1e-5


@erratum("err-dead-neuron-tanh", lambda z: 1 - np.tanh(z) ** 2, lambda z: 0.0)
def the_slope_of_a_saturated_tanh_is(slope):
    step = 1e-5
    return bool(np.isclose(slope(5.0), (np.tanh(5 + step) - np.tanh(5 - step)) / (2 * step), rtol=1e-4, atol=0))


@erratum("err-fan-in-wording", lambda x: len(x) ** 0.5, lambda x: abs(x.sum()) ** 0.5)
def weights_divided_by_this_root_give_unit_variance(root):
    rng, x = draws(), draws().standard_normal(100)
    z = rng.standard_normal((50_000, 100)) / root(x) @ x
    return bool(np.isclose(z.var(), (x**2).mean(), rtol=0.05))


@erratum("err-sigmoid-xavier-gauss", lambda h: h.std(axis=0).mean(), lambda h: h.std())
def the_signal_of_ten_logistic_layers_is_seen_to_be_lost_in(measure):
    """The pooled histogram is still wide; what died is the variation of each unit across the samples."""
    rng, h = draws(), draws().standard_normal((100, 400))
    for _ in range(10):
        h = 1 / (1 + np.exp(-h @ normal(rng, (400, 400), xavier(400, 400))))
    return measure(h) < 1e-5


@erratum("err-sigmoid-slope", 0.25, 1.0)
def the_slope_of_the_logistic_function_at_0_is(slope):
    return bool(np.isclose(logistic(0.0)[1](1.0)[0], slope))


def zero_weights(net):
    return torch.zeros(1, net.size, dtype=torch.float64)


def zero_biases(net):
    theta = start(net, 1, dtype=torch.float64)
    assert all((b == 0).all() for _, b in net.unpack(theta))
    return theta


@erratum("err-init-bias-heading", zero_weights, zero_biases)
def hidden_units_are_still_equal_after_a_step_from(theta):
    net, theta, g = gradients(torch.sigmoid, theta)
    W, V = (parts[0] for parts in net.unpack(theta - g))
    return bool(W.std(dim=2).max() < 1e-12 and V.std(dim=1).max() < 1e-12)


# --- A start that was learnt


@number("err-pretrain-outdated")
def a_network_with_four_hidden_layers_learns_without_pre_training():
    """Tanh units, random weights of the right scale, labels only: more than eight digits in ten after 100 updates."""
    net, (x, y) = mlp(64, 32, 32, 32, 32, 10), digits()
    theta = start(net, 1, variance=lecun)
    run = fit(net, (x[:1000], y[:1000]), adam, theta=theta, seeds=1, steps=100, lr=0.01, test=(x[1000:], y[1000:]))
    assert run["test_accuracy"][0, -1] > 0.8


@erratum("err-finetune-update", [False, True], [True, True])
def fine_tuning_behind_a_frozen_layer_updates(layers):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 2))
    model[0].requires_grad_(False)
    before = [layer.weight.clone() for layer in model]
    model(torch.randn(5, 4)).square().sum().backward()
    with torch.no_grad():
        for W in (W for W in model.parameters() if W.grad is not None):
            W -= 0.1 * W.grad
    return [not torch.equal(layer.weight, old) for layer, old in zip(model, before, strict=True)] == layers


def transfer_errors(n, D=100, k=4):
    """Of linear models from a start near the truth: all D parameters trained, or k of them, on n examples."""
    rng, errors = draws(), []
    gap = np.r_[np.full(k, (0.3 / k) ** 0.5), np.full(D - k, (0.1 / (D - k)) ** 0.5)]
    for _ in range(50):
        X = rng.standard_normal((n, D))
        moves = [np.zeros(D), np.zeros(D)]
        for move, m in zip(moves, (D, k), strict=True):
            move[:m] = np.linalg.lstsq(X[:, :m], X @ gap)[0]
        errors.append([((gap - move) ** 2).sum() for move in moves])
    return np.mean(errors, axis=0)


@erratum("err-finetune-states", lambda n: n > 73, lambda n: True)
def all_parameters_predict_better_than_the_last_ones_alone_from_n_examples(better):
    return all((np.subtract(*transfer_errors(n)) < 0) == better(n) for n in (20, 40, 95))

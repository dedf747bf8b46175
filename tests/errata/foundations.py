"""Misprints of the source texts on the foundations: the right form passes, the misprint fails."""

from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from misprints import draws, erratum, number
from torch import nn
from torch.nn import functional as F

from nndl_lib.activations import leaky_relu, logistic, relu, tanh
from nndl_lib.initializers import he, lecun
from nndl_lib.layers import chain, conv2d, dense, output_size
from nndl_lib.losses import binary_cross_entropy, squared_error

identity = partial(leaky_relu, slope=1.0)

# --- Units

CORNERS = np.array(list(product([0.0, 1.0], repeat=2)))
XOR = np.array([0.0, 1.0, 1.0, 0.0])


@erratum("err-set-x-and-b", lambda a, b: ~(a & b), lambda a, b: ~b)
def the_unit_with_weights_minus_2_and_bias_3_is_the_gate(gate):
    z, _ = dense(CORNERS, np.full((2, 1), -2.0), np.array([3.0]))
    return bool(((z[:, 0] > 0) == gate(*(CORNERS.T > 0))).all())


def is_linear(f):
    x, y = draws().standard_normal((2, 100))
    return np.allclose(f(x + y)[0] + f(0.0)[0], f(x)[0] + f(y)[0])


@erratum("err-linear-map", False, True)
def the_activation_functions_in_use_are_linear_maps(linear):
    return is_linear(identity) and all(is_linear(f) == linear for f in (logistic, tanh, relu))


@erratum("err-activation-linear-approx", relu, identity)
def two_layers_compute_exclusive_or_with_the_activation(f):
    hidden, _ = chain((dense, np.ones((2, 2)), np.array([0.0, -1.0])), (f,))(CORNERS)
    features = np.c_[hidden, np.ones(4)]
    return np.allclose(features @ np.linalg.lstsq(features, XOR)[0], XOR)


@number("err-relu-zero-and")
def torch_and_the_library_take_0_for_the_derivative_of_relu_at_0():
    x = torch.zeros(1, requires_grad=True)
    torch.relu(x).backward()
    assert x.grad.item() == 0 == relu(0.0)[1](1.0)[0]


def with_logits(w):
    return binary_cross_entropy(np.array([[w]]), np.zeros((1, 1)))[0]


def squared(w):
    return 2 * squared_error(logistic(np.array([[w]]))[0], np.zeros((1, 1)))[0]


def bend(loss, w, h=1e-3):
    return (loss(w + h) - 2 * loss(w) + loss(w - h)) / h**2


@erratum("err-monotone-convex", with_logits, squared)
def the_loss_of_one_logistic_unit_is_convex_in_its_weight(loss):
    return all(bend(loss, w) > 0 for w in np.linspace(-6, 6, 49))


@number("err-monotone-convex")
def second_derivatives_of_both_losses_at_3():
    assert [bend(squared, 3.0), bend(with_logits, 3.0)] == pytest.approx([-0.074, 0.045], abs=5e-4)


@erratum("err-test-set-selection", 1, 0)
def the_best_of_twenty_guessers_by_their_scores_on_set_0_is_judged_fairly_by_set(which):
    scores = (draws().random((500, 20, 2, 50)) < 0.5).mean(axis=-1)
    best = scores[:, :, 0].argmax(axis=1)
    return abs(scores[np.arange(500), best, which].mean() - 0.5) < 0.02


@number("err-tanh-anywhere")
def tanh_saturates_on_both_sides_and_cannot_give_an_output_of_2():
    slopes = [f(np.array([-5.0, 5.0]))[1](np.ones(2))[0] for f in (tanh, relu)]
    assert (slopes[0] < 2e-4).all() and slopes[1].tolist() == [0, 1]
    assert abs(tanh(np.linspace(-100, 100, 1001))[0]).max() <= 1 < relu(2.0)[0]


@erratum("err-relu-no-vanish", he, lecun)
def a_gradient_keeps_its_size_through_twelve_relu_layers_with_weights_of_variance(variance):
    rng, n = draws(), 64
    layers = [(dense, rng.standard_normal((n, n)) * variance(n, n) ** 0.5, np.zeros(n)) for _ in range(12)]
    _, vjp = chain(*(part for layer in layers for part in (layer, (relu,))))(rng.standard_normal((50, n)))
    out = rng.standard_normal((50, n))
    return 0.1 < (vjp(out)[0] ** 2).sum() / (out**2).sum() < 10


@number("err-relu-no-vanish")
def twelve_relu_layers_halve_the_squared_signal_twelve_times():
    rng, n = draws(), 256
    x = a = rng.standard_normal((100, n))
    for _ in range(12):
        a = relu(a @ rng.standard_normal((n, n)) * lecun(n, n) ** 0.5)[0]
    assert (a**2).sum() / (x**2).sum() == pytest.approx(2**-12, rel=0.5)


@erratum("err-tanh-range", np.less_equal, np.less)
def to_1_the_slopes_of_tanh_are(compare):
    slopes = tanh(np.linspace(-3, 3, 61))[1](np.ones(61))[0]
    return bool(compare(slopes, 1).all() and (slopes > 0).all())


@erratum("err-tanh-faster", 1.6629, np.inf)
def tanh_is_steeper_than_the_logistic_function_below(limit):
    x = np.linspace(0, 8, 8001)
    steeper = np.greater(*(f(x)[1](np.ones(8001))[0] for f in (tanh, logistic)))
    return bool((steeper == (x < limit)).all())


@number("err-tanh-faster")
def slopes_of_tanh_and_the_logistic_function_at_4_and_where_they_cross():
    assert [f(4.0)[1](1.0)[0] for f in (tanh, logistic)] == pytest.approx([0.0013, 0.0177], abs=5e-5)
    assert 2 * np.arccosh((1 + 3**0.5) / 2) == pytest.approx(1.6629, abs=5e-5)


# --- Backpropagation

x, t, W, b = (draws().standard_normal(shape) for shape in (3, 3, (3, 3), 3))
leaves = [torch.tensor(x, requires_grad=True)]
leaves.append(leaves[0] @ torch.tensor(W) + torch.tensor(b))
leaves.append(leaves[1].sigmoid())
dx, dz, dy = (g.numpy() for g in torch.autograd.grad((leaves[2] - torch.tensor(t)).square().sum() / 2, leaves))


@erratum("err-dy-dz", lambda f: f * (1 - f), lambda f: f)
def the_gradient_of_the_net_input_is_that_of_the_output_times(factor):
    return np.allclose(dy * factor(logistic(x @ W + b)[0]), dz, rtol=1e-12)


@erratum("err-dE-dx", lambda delta: W @ delta, lambda delta: delta)
def the_gradient_of_the_input_follows_from_that_of_the_net_input_by(formula):
    return np.allclose(formula(dz), dx, rtol=1e-12)


def example():
    """The outputs of the hidden and of the output layer of the worked example."""
    hidden = logistic(dense(np.array([[0.05, 0.10]]), np.array([[0.15, 0.25], [0.20, 0.30]]), np.full(2, 0.35))[0])[0]
    return hidden[0], logistic(dense(hidden, np.array([[0.40, 0.50], [0.45, 0.55]]), np.full(2, 0.60))[0])[0][0]


@erratum("err-backprop-labels", 0, 1)
def the_two_numbers_called_outputs_o1_belong_to_the_layer(index):
    return np.allclose(example()[index], [0.593269992, 0.596884378], rtol=0, atol=5e-10)


@erratum("err-075136079", 0.75136507, 0.75136079)
def the_first_output_of_the_worked_example_is(value):
    return abs(example()[1][0] - value) < 5e-9


@number("err-075136079")
def errors_of_the_worked_example_and_the_error_that_the_misprint_would_give():
    targets = np.array([[0.01, 0.99]])
    errors = (example()[1] - targets[0]) ** 2 / 2
    assert errors == pytest.approx([0.274811083, 0.023560026], abs=5e-10)
    assert squared_error(example()[1][None], targets)[0] == pytest.approx(0.298371109, abs=5e-10)
    assert (0.75136079 - 0.01) ** 2 / 2 == pytest.approx(0.274807910, abs=5e-10)


# --- Convolution


def places(n, size, S, P):
    """How many places the convolution of torch has."""
    return F.conv2d(torch.zeros(1, 1, n, n), torch.zeros(1, 1, size, size), stride=S, padding=P).shape[-1]


@erratum("err-conv-7x7", 4, 3)
def two_filters_on_seven_by_seven_by_three_with_padding_1_and_stride_2_give_two_maps_of_size(size):
    maps, _ = conv2d(np.zeros((1, 3, 7, 7)), np.zeros((2, 3, 3, 3)), np.zeros(2), stride=2, padding=1)
    return maps.shape == (1, 2, size, size)


@number("err-conv-7x7")
def a_size_of_3_belongs_to_an_input_of_5_or_to_no_padding():
    assert places(5, 3, 2, 1) == places(7, 3, 2, 0) == 3


@erratum(
    "err-conv-floor",
    lambda n, size, S, P: output_size(n, size=size, stride=S, padding=P),
    lambda n, size, S, P: (n - size + 2 * P) / S + 1,
)
def the_size_of_a_map_is(formula):
    return all(formula(*case) == places(*case) for case in product((5, 6, 7, 8), (2, 3), (1, 2, 3), (0, 1)))


@erratum("err-conv-adij", "x", "a")
def the_index_d_of_the_three_channels_belongs_to(name):
    images = np.zeros((1, 3, 5, 5))
    maps, _ = conv2d(images, np.zeros((1, 3, 3, 3)), np.zeros(1))
    return {"x": images, "a": maps}[name].shape[1] == 3


AFTER = {"dense": lambda x: nn.Linear(x[0].numel(), 10), "conv": lambda x: nn.Conv2d(x.shape[1], 10, 3)}


def parameters(layer):
    return sum(p.numel() for p in layer.parameters())


@erratum("err-pool-params", "dense", "conv")
def pooling_saves_parameters_in_the_layer_after_it_if_that_is(kind):
    maps = torch.zeros(1, 16, 28, 28)
    before, after = (parameters(AFTER[kind](x)) for x in (maps, F.max_pool2d(maps, 2)))
    return after < before


@number("err-pool-params")
def parameters_of_pooling_and_of_a_dense_layer_without_and_with_it():
    maps = torch.zeros(1, 16, 28, 28)
    counts = [parameters(AFTER["dense"](x)) for x in (maps, F.max_pool2d(maps, 2))]
    assert [parameters(nn.MaxPool2d(2)), *counts] == [0, 125_450, 31_370]


# --- Cross-entropy


@erratum("err-ce-domain", np.inf, 1.0)
def the_logarithm_is_defined_from_0_to(end):
    points = np.array([-1.0, 1e-9, 0.5, 2.0, 1e9])
    with np.errstate(invalid="ignore"):
        return bool((np.isfinite(np.log(points)) == ((points > 0) & (points < end))).all())


@erratum("err-ce-output-only", "output", "hidden")
def with_the_cross_entropy_a_saturated_unit_still_learns_in_the_layer(layer):
    z = torch.tensor(8.0, requires_grad=True)
    score = {"output": z, "hidden": 8 * z.sigmoid() - 4}[layer]
    F.binary_cross_entropy_with_logits(score, torch.tensor(0.0)).backward()
    return z.grad.item() > 0.1


def log_likelihood(score, labels):
    """Of the labels of examples with one and the same input, with the scores (score, 0) of two classes."""
    logits = torch.stack([score, torch.zeros_like(score)], dim=-1)
    return sum(torch.log_softmax(logits, dim=-1)[..., label] for label in labels)


@erratum("err-softmax-theta", [0, 1, 0], [0])
def there_is_a_best_theta_for_the_labels(labels):
    """For one label alone the probability grows with the score for ever."""
    values = log_likelihood(torch.linspace(-20, 20, 401, dtype=torch.float64), labels)
    return 0 < values.argmax().item() < 400

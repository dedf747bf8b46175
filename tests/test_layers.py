"""Fully connected, convolution and pooling layers, activations and losses against torch, forward and backward."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from nndl_lib import activations, losses
from nndl_lib.layers import chain, conv2d, dense, local2d, max_pool, mean_pool, output_size


def arrays(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def agree(ours, theirs, inputs, *, atol=1e-12):
    """Ours equals torch's on the inputs, and so do the gradients of a random combination of the outputs."""
    tensors = [torch.tensor(a, requires_grad=True) for a in inputs]
    y, vjp = ours(*inputs)
    expected = theirs(*tensors)
    np.testing.assert_allclose(y, expected.detach().numpy(), atol=atol)
    dy = np.random.default_rng(9).normal(size=np.shape(y))
    gradients = torch.autograd.grad(expected, tensors, torch.as_tensor(dy))
    for mine, peer in zip(vjp(dy), gradients, strict=True):
        np.testing.assert_allclose(mine, peer.numpy(), atol=atol)


ACTIVATIONS = {
    "logistic": (activations.logistic, torch.sigmoid),
    "tanh": (activations.tanh, torch.tanh),
    "relu": (activations.relu, torch.relu),
    "leaky relu": (activations.leaky_relu, F.leaky_relu),
    "leaky relu 0.3": (partial(activations.leaky_relu, slope=0.3), partial(F.leaky_relu, negative_slope=0.3)),
    "softplus": (activations.softplus, F.softplus),
    "silu": (activations.silu, F.silu),
    "gelu": (activations.gelu, F.gelu),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_and_its_derivative_equal_torch_s(name):
    agree(*ACTIVATIONS[name], [np.concatenate([np.linspace(-8, 8, 41), [1e-9, -1e-9, 15.0, -30.0]])], atol=1e-9)


@pytest.mark.parametrize("name", ["relu", "leaky relu"])
def test_the_derivative_at_the_kink_is_that_of_torch(name):
    agree(*ACTIVATIONS[name], [np.zeros(1)])


@pytest.mark.parametrize("f", [getattr(activations, name) for name in ("logistic", "tanh", "softplus", "silu", "gelu")])
def test_no_activation_overflows(f):
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, vjp = f(np.array([-300.0, 300.0]))
        slopes = vjp(1.0)[0]
    assert np.isfinite(y).all() and np.isfinite(slopes).all()


def test_the_slopes_at_zero_are_a_quarter_and_one():
    assert activations.logistic(0.0)[1](1)[0] == 0.25 and activations.tanh(0.0)[1](1)[0] == 1.0


def test_the_derivative_of_softplus_is_the_logistic_function():
    x = np.linspace(-5, 5, 11)
    np.testing.assert_allclose(activations.softplus(x)[1](1.0)[0], activations.logistic(x)[0])


def test_tanh_is_a_stretched_logistic_function():
    x = np.linspace(-5, 5, 11)
    np.testing.assert_allclose(activations.tanh(x)[0], 2 * activations.logistic(2 * x)[0] - 1, atol=1e-15)


LAYERS = {
    "dense": (dense, lambda x, W, b: x @ W + b, [(5, 3), (3, 4), 4]),
    "conv": (conv2d, F.conv2d, [(2, 3, 7, 6), (4, 3, 3, 3), 4]),
    "conv stride": (partial(conv2d, stride=2), partial(F.conv2d, stride=2), [(2, 3, 8, 6), (4, 3, 3, 3), 4]),
    "conv padding": (partial(conv2d, padding=1), partial(F.conv2d, padding=1), [(2, 1, 5, 5), (2, 1, 3, 3), 2]),
    "conv both": (
        partial(conv2d, stride=2, padding=1),
        partial(F.conv2d, stride=2, padding=1),
        [(1, 3, 7, 7), (2, 3, 3, 3), 2],
    ),
    "conv oblong": (partial(conv2d, stride=3), partial(F.conv2d, stride=3), [(2, 2, 9, 7), (3, 2, 2, 4), 3]),
    "max": (max_pool, lambda x: F.max_pool2d(x, 2), [(2, 3, 6, 6)]),
    "max overlap": (partial(max_pool, size=3, stride=2), lambda x: F.max_pool2d(x, 3, 2), [(2, 3, 7, 8)]),
    "mean": (mean_pool, lambda x: F.avg_pool2d(x, 2), [(2, 3, 6, 5)]),
    "mean overlap": (partial(mean_pool, size=3, stride=1), lambda x: F.avg_pool2d(x, 3, 1), [(2, 3, 5, 5)]),
    "softmax": (losses.softmax, lambda z: z.softmax(-1), [(4, 5)]),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_equals_torch_s_forward_and_backward(name):
    ours, theirs, shapes = LAYERS[name]
    agree(ours, theirs, arrays(*shapes))


def test_the_first_of_equal_values_gets_max_pooling_s_gradient():
    agree(max_pool, lambda x: F.max_pool2d(x, 2), [np.ones((1, 1, 4, 4))])


def test_a_local_layer_with_the_same_filter_everywhere_is_a_convolution():
    x, w, b = arrays((2, 3, 6, 5), (4, 3, 3, 2), 4)
    y, vjp = conv2d(x, w, b, stride=1, padding=1)
    places = y.shape[2:]
    copies = np.broadcast_to(w[:, :, None, None], (4, 3, *places, 3, 2))
    z, back = local2d(x, copies, np.broadcast_to(b[:, None, None], (4, *places)), stride=1, padding=1)
    np.testing.assert_allclose(z, y, atol=1e-12)
    dy = np.random.default_rng(1).normal(size=y.shape)
    (dx, dw, db), (ex, ew, eb) = vjp(dy), back(dy)
    np.testing.assert_allclose(ex, dx, atol=1e-12)
    np.testing.assert_allclose(ew.sum(axis=(2, 3)), dw, atol=1e-12)
    np.testing.assert_allclose(eb.sum(axis=(1, 2)), db, atol=1e-12)


def test_a_local_layer_s_places_differ():
    x, w, b = np.ones((1, 1, 2, 2)), np.arange(4.0).reshape(1, 1, 2, 2, 1, 1), np.zeros((1, 2, 2))
    np.testing.assert_allclose(local2d(x, w, b)[0][0, 0], [[0, 1], [2, 3]])


@pytest.mark.parametrize("n", range(3, 12))
@pytest.mark.parametrize("size", (1, 2, 3))
@pytest.mark.parametrize("stride", (1, 2, 3))
@pytest.mark.parametrize("padding", (0, 1, 2))
def test_the_output_size_counts_the_places_of_a_window(n, size, stride, padding):
    places = len(range(-padding, n + padding - size + 1, stride))
    assert output_size(n, size=size, stride=stride, padding=padding) == places
    x = torch.zeros(1, 1, n, n)
    assert F.conv2d(x, torch.zeros(1, 1, size, size), stride=stride, padding=padding).shape[2] == places


def test_the_printed_example_7_by_7_with_padding_1_and_stride_2_gives_4_by_4():
    assert output_size(7, size=3, stride=2, padding=1) == 4
    assert conv2d(*arrays((1, 3, 7, 7), (2, 3, 3, 3), 2), stride=2, padding=1)[0].shape == (1, 2, 4, 4)


def test_a_chain_of_layers_is_their_composition():
    x, W1, b1, W2, b2 = arrays((5, 3), (3, 4), 4, (4, 2), 2)
    net = lambda x, W1, b1, W2, b2: chain((dense, W1, b1), (activations.tanh,), (dense, W2, b2))(x)  # noqa: E731
    agree(net, lambda x, W1, b1, W2, b2: torch.tanh(x @ W1 + b1) @ W2 + b2, [x, W1, b1, W2, b2])


def test_softmax_does_not_overflow_and_ignores_a_common_constant():
    z = np.array([[1000.0, 1001.0, -np.inf]])
    np.testing.assert_allclose(losses.softmax(z)[0], losses.softmax(np.array([[0.0, 1.0, -np.inf]]))[0])
    np.testing.assert_allclose(losses.softmax(np.array([3.0, 1.0, -3.0]))[0], [0.8789, 0.1189, 0.0022], atol=5e-5)


@pytest.mark.parametrize("scale", (1, 1000))
def test_losses_equal_torch_s_however_sure_the_outputs_are(scale):
    z, t = scale * arrays((6, 4))[0], np.random.default_rng(3).dirichlet(np.ones(4), size=6)
    logits, targets = torch.tensor(z, requires_grad=True), torch.as_tensor(t)
    cases = (
        (losses.squared_error, ((logits - targets) ** 2).sum(1).mean() / 2),
        (
            losses.binary_cross_entropy,
            F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1).mean(),
        ),
        (losses.cross_entropy, F.cross_entropy(logits, targets)),
    )
    for ours, expected in cases:
        loss, vjp = ours(z, t)
        np.testing.assert_allclose(loss, expected.item(), rtol=1e-12)
        (gradient,) = torch.autograd.grad(expected, logits, retain_graph=True)
        np.testing.assert_allclose(vjp(1)[0], gradient.numpy(), atol=1e-9)
        assert vjp(1)[1] is None


def test_the_gradient_of_cross_entropy_is_output_minus_target():
    z, t = arrays((3, 5))[0], np.eye(5)[[0, 2, 4]]
    np.testing.assert_allclose(losses.cross_entropy(z, t)[1](1)[0], (losses.softmax(z)[0] - t) / 3)
    np.testing.assert_allclose(losses.binary_cross_entropy(z, t)[1](1)[0], (activations.logistic(z)[0] - t) / 3)


BAD = {
    "slope": (partial(activations.leaky_relu, slope=np.nan), [np.zeros(2)], "slope=nan, expected a finite number"),
    "dense": (dense, arrays((2, 3), (4, 2), 2), r"dense: x, W, b of shapes \(2, 3\), \(4, 2\), \(2,\)"),
    "dense b": (dense, arrays((2, 3), (3, 2), 1), "dense: x, W, b of shapes"),
    "conv channels": (conv2d, arrays((1, 2, 5, 5), (1, 3, 3, 3), 1), "conv2d: x, w, b of shapes"),
    "conv large": (conv2d, arrays((1, 1, 2, 5), (1, 1, 3, 3), 1), "output_size: n=2, size=3"),
    "conv stride": (partial(conv2d, stride=0), arrays((1, 1, 5, 5), (1, 1, 3, 3), 1), "stride=0"),
    "pool": (partial(max_pool, size=7), arrays((1, 1, 6, 6)), "output_size: n=6, size=7"),
    "pool 2d": (mean_pool, arrays((6, 6)), r"x has shape \(6, 6\), expected images"),
    "local places": (
        local2d,
        arrays((1, 1, 4, 4), (1, 1, 3, 3, 3, 3), (1, 3, 3)),
        r"filters for \(3, 3\) places, expected \(2, 2\)",
    ),
    "softmax nan": (losses.softmax, [np.array([0.0, np.nan])], "softmax: z of shape"),
    "softmax empty": (losses.softmax, [np.zeros((2, 0))], "softmax: z of shape"),
    "loss shapes": (losses.squared_error, arrays((2, 3), (3, 2)), "squared_error: outputs and targets of shapes"),
    "loss nan": (losses.cross_entropy, [np.full((1, 2), np.nan), np.ones((1, 2)) / 2], "NaN or infinite"),
    "target": (losses.binary_cross_entropy, [np.zeros((1, 2)), np.array([[0, 1.5]])], r"outside \[0, 1\]"),
    "distribution": (losses.cross_entropy, [np.zeros((1, 2)), np.array([[0.5, 0.6]])], "that are no probabilities"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named(name):
    f, inputs, message = BAD[name]
    with pytest.raises(ValueError, match=message):
        f(*inputs)

"""Dropout and its relatives: means over all masks, torch, finite differences, bad input."""

import itertools
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_softmax, softmax
from torch import nn

from nndl_lib import dropout as d
from nndl_lib.pytorch import Layer


def draws(seed=0):
    return np.random.default_rng(seed)


def every_mask(n):
    """All 2^n masks (2^n, n)."""
    return np.array(list(itertools.product([0.0, 1.0], repeat=n)))


def weights(masks, p):
    """The probability of each mask."""
    return np.prod(np.where(masks == 1, 1 - p, p), axis=tuple(range(1, masks.ndim)))


# --- Layers: torch, gradients

M = torch.tensor(d.mask(draws(1), (4, 5), p=0.4))
CHANNELS = torch.tensor(d.spatial_mask(draws(1), (4, 3, 2, 2)))
# a layer and its inputs, the last of them the mask
LAYERS = {
    "dropout": (d.dropout, [(4, 5)], M),
    "inverted": (partial(d.inverted_dropout, p=0.4), [(4, 5)], M),
    "gaussian": (d.gaussian_dropout, [(4, 5)], torch.tensor(d.gaussian_mask(draws(1), (4, 5)))),
    "standout": (d.standout, [(4, 5)], M),
    "variational": (d.dropout, [(4, 3, 5)], torch.tensor(d.variational_mask(draws(1), (4, 3, 5)))),
    "spatial": (partial(d.inverted_dropout, p=0.5), [(4, 3, 2, 2)], CHANNELS),
    "connect": (d.dropconnect, [(4, 5), (5, 2)], torch.tensor(d.mask(draws(1), (4, 5, 2), p=0.4))),
    "connect one": (d.dropconnect, [(4, 5), (5, 2)], torch.tensor(d.mask(draws(1), (1, 5, 2), p=0.4))),
    "test": (partial(d.dropout_test, p=0.3), [(4, 5)], None),
    "standout test": (d.standout_test, [(4, 5), (4, 5)], None),
}


def inputs_of(shapes, m):
    rng = draws()
    inputs = [torch.tensor(rng.standard_normal(shape), requires_grad=True) for shape in shapes]
    return inputs if m is None else [*inputs, m]


@pytest.mark.parametrize("name", LAYERS)
def test_the_backward_pass_equals_finite_differences(name):
    layer, shapes, m = LAYERS[name]
    assert torch.autograd.gradcheck(Layer(layer), inputs_of(shapes, m))


@pytest.mark.parametrize("name", LAYERS)
def test_numpy_and_torch_give_the_same_numbers_and_a_mask_has_no_gradient(name):
    layer, shapes, m = LAYERS[name]
    inputs = [part.detach() for part in inputs_of(shapes, m)]
    y, vjp = layer(*inputs)
    y_np, vjp_np = layer(*[part.numpy() for part in inputs])
    np.testing.assert_allclose(y_np, y, atol=1e-14)
    pairs = list(zip(vjp_np(np.ones(y.shape)), vjp(torch.ones_like(y)), strict=True))
    if m is not None:
        assert pairs.pop() == (None, None)
    for own, other in pairs:
        np.testing.assert_allclose(own, other, atol=1e-14)


@pytest.mark.parametrize(("draw", "peer"), [(d.mask, nn.Dropout(0.3)), (d.spatial_mask, nn.Dropout2d(0.3))])
def test_inverted_dropout_zeroes_and_scales_as_torchs(draw, peer):
    """torch's mask is read off what it does to ones; our layer with it does the same to other numbers."""
    torch.manual_seed(0)
    shape = (50, 40, 3, 2)
    pattern = peer(torch.ones(shape, dtype=torch.float64))
    m = (pattern > 0).float()
    x = torch.tensor(draws().standard_normal(shape))
    torch.testing.assert_close(d.inverted_dropout(x, m, p=0.3)[0], x * pattern)
    ours = np.broadcast_to(draw(draws(), shape, p=0.3), shape)
    for own, theirs in ((ours, m.numpy()), (ours.std(axis=(2, 3)), m.numpy().std(axis=(2, 3)))):
        assert own.mean() == pytest.approx(theirs.mean(), abs=0.03)
    assert (ours.std(axis=(2, 3)) == 0).all() == (draw is d.spatial_mask)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_is_that_of_x(dtype):
    x, W = draws().standard_normal((4, 5)).astype(dtype), draws().standard_normal((5, 2)).astype(dtype)
    assert d.inverted_dropout(x, d.mask(draws(), (4, 5)))[0].dtype == dtype
    assert d.gaussian_dropout(x, d.gaussian_mask(draws(), (4, 5)))[0].dtype == dtype
    assert d.dropconnect(x, W, d.mask(draws(), (4, 5, 2)))[0].dtype == dtype
    assert d.dropconnect_test(draws(), torch.tensor(x), torch.tensor(W), torch.relu).dtype == torch.tensor(x).dtype


# --- Masks


@settings(deadline=None, derandomize=True)
@given(p=st.floats(0, 1), shape=st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple))
def test_masks_are_zeros_and_ones_of_their_shape(p, shape):
    for draw, expected in (
        (d.mask, shape),
        (d.variational_mask, (shape[0], 1, *shape[2:])),
        (d.spatial_mask, (*shape[:2], *[1] * (len(shape) - 2))),
    ):
        m = draw(draws(), shape, p=p)
        assert m.shape == expected and m.dtype == np.float32 and set(np.unique(m)) <= {0.0, 1.0}
        assert m.all() or p > 0
        assert not m.any() or p < 1


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_p_is_the_probability_to_drop(p):
    m = d.mask(draws(), (200, 500), p=p)
    assert (m == 0).mean() == pytest.approx(p, abs=0.01)
    assert (p == 0.5) or (m == 0).mean() != pytest.approx(1 - p, abs=0.1)


def test_each_unit_may_have_its_own_probability():
    p = np.array([[0.0, 0.3, 1.0]]).repeat(20_000, axis=0)
    np.testing.assert_allclose(d.mask(draws(), p.shape, p=p).mean(axis=0), [1, 0.7, 0], atol=0.01)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_gaussian_factors_have_the_moments_of_the_scaled_mask(p):
    m, scaled = d.gaussian_mask(draws(), 200_000, p=p), d.mask(draws(1), 200_000, p=p) / (1 - p)
    assert m.mean() == pytest.approx(1, abs=0.01) == pytest.approx(scaled.mean(), abs=0.02)
    assert m.var() == pytest.approx(p / (1 - p), rel=0.02) == pytest.approx(scaled.var(), rel=0.04)
    assert m.var() != pytest.approx(p * (1 - p), rel=0.1) and (m > 0).any() and len(np.unique(m)) > 1000


# --- Means over all masks of a small network


def layer_sizes(seed=0):
    rng = draws(seed)
    return rng.standard_normal((1, 10)), rng.standard_normal((10, 3))


@pytest.mark.parametrize("p", [0.2, 0.5, 0.7])
def test_the_mean_of_a_linear_layer_over_all_masks_is_the_layer_at_test_time(p):
    h, W = layer_sizes()
    masks = every_mask(10)
    mean = weights(masks, p) @ (d.dropout(h.repeat(1024, 0), masks)[0] @ W)
    np.testing.assert_allclose(mean, d.dropout_test(h, p=p)[0][0] @ W, atol=1e-12)
    inverted = weights(masks, p) @ (d.inverted_dropout(h.repeat(1024, 0), masks, p=p)[0] @ W)
    np.testing.assert_allclose(inverted, h[0] @ W, atol=1e-12)


@pytest.mark.parametrize("p", [0.2, 0.5, 0.7])
def test_the_normalized_geometric_mean_of_a_softmax_over_all_masks_is_the_scaled_network(p):
    h, W = layer_sizes()
    masks = every_mask(10)
    logs = log_softmax(d.dropout(h.repeat(1024, 0), masks)[0] @ W, axis=1)
    scaled = softmax(d.dropout_test(h, p=p)[0][0] @ W)
    np.testing.assert_allclose(softmax(weights(masks, p) @ logs), scaled, atol=1e-12)
    assert abs(weights(masks, p) @ np.exp(logs) - scaled).max() > 0.01


def test_after_a_relu_the_scaled_network_is_only_near_the_mean():
    h, W = layer_sizes()
    outputs = np.maximum(d.dropout(h.repeat(1024, 0), every_mask(10))[0] @ W, 0)
    scaled = np.maximum(d.dropout_test(h)[0][0] @ W, 0)
    assert abs(outputs.mean(axis=0) - scaled).max() > 0.05


@pytest.mark.parametrize("p", [0.2, 0.5, 0.7])
def test_the_moments_of_dropconnect_are_those_over_all_masks(p):
    rng = draws()
    x, W = rng.standard_normal((1, 6)), rng.standard_normal((6, 2))
    masks = every_mask(12).reshape(-1, 6, 2)
    u, w = d.dropconnect(x.repeat(4096, 0), W, masks)[0], weights(masks, p)
    mean, variance = d.dropconnect_moments(x, W, p=p)
    np.testing.assert_allclose(w @ u, mean[0], atol=1e-12)
    np.testing.assert_allclose(w @ (u - mean) ** 2, variance[0], atol=1e-12)


def test_the_test_output_of_dropconnect_is_near_the_mean_over_all_masks():
    """Matching two moments is an approximation; here it is near, and f of the mean is not."""
    rng = draws()
    x, W = rng.standard_normal((1, 12)), rng.standard_normal((12, 1))
    masks = every_mask(12)[:, :, None]
    exact = np.maximum(d.dropconnect(x.repeat(4096, 0), W, masks)[0], 0).mean()
    sampled = d.dropconnect_test(draws(), x, W, lambda u: np.maximum(u, 0), samples=100_000)[0, 0]
    of_mean = np.maximum(d.dropconnect_moments(x, W)[0], 0)[0, 0]
    assert sampled == pytest.approx(exact, abs=0.03) and abs(of_mean - exact) > 0.1


def test_the_test_output_of_standout_is_the_mean_over_its_masks():
    rng = draws()
    x, W, W_s = rng.standard_normal((1, 4)), rng.standard_normal((4, 8)), rng.standard_normal((4, 8))
    h, g = expit(x @ W), d.standout_keep(x, W_s)
    np.testing.assert_allclose(g, expit(x @ W_s))
    masks = every_mask(8)
    mean = weights(masks, 1 - g) @ d.standout(h.repeat(256, 0), masks)[0]
    np.testing.assert_allclose(mean, d.standout_test(h, g)[0][0], atol=1e-12)
    drawn = d.mask(rng, (20_000, 8), p=1 - g.repeat(20_000, 0)).mean(axis=0)
    np.testing.assert_allclose(drawn, g[0], atol=0.02)


def test_probabilities_to_keep_do_not_overflow():
    x, W_s = np.array([[1.0]]), np.array([[-1e4, 0, 1e4]])
    np.testing.assert_array_equal(d.standout_keep(x, W_s), [[0, 0.5, 1]])


def test_dropout_in_linear_regression_is_an_l2_penalty_weighted_by_the_inputs():
    """E |y - (m * X) w|^2 = |y - (1-p) X w|^2 + p (1-p) sum_i w_i^2 sum_n x_ni^2."""
    rng, p = draws(), 0.3
    X, w, y = rng.standard_normal((4, 3)), rng.standard_normal(3), rng.standard_normal(4)
    masks = every_mask(12).reshape(-1, 4, 3)
    mean = weights(masks, p) @ ((y - (masks * X) @ w) ** 2).sum(axis=1)
    closed = ((y - (1 - p) * X @ w) ** 2).sum() + p * (1 - p) * (w**2 * (X**2).sum(axis=0)).sum()
    assert mean == pytest.approx(closed, rel=1e-12)


# --- Bad input

x, W = np.ones((4, 5)), np.ones((5, 2))


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
@pytest.mark.parametrize(
    "call",
    [
        lambda p: d.mask(draws(), (4, 5), p=p),
        lambda p: d.variational_mask(draws(), (4, 5), p=p),
        lambda p: d.spatial_mask(draws(), (4, 5), p=p),
        lambda p: d.gaussian_mask(draws(), (4, 5), p=p),
        lambda p: d.dropout_test(x, p=p),
        lambda p: d.inverted_dropout(x, x, p=p),
        lambda p: d.dropconnect_moments(x, W, p=p),
        lambda p: d.dropconnect_test(draws(), x, W, np.tanh, p=p),
    ],
)
def test_a_probability_outside_of_0_and_1_is_named(call, p):
    with pytest.raises(ValueError, match=rf"p={p}, expected .*\[0, 1"):
        call(p)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: d.inverted_dropout(x, x, p=1), r"p=1, expected a drop probability in \[0, 1\)"),
        (lambda: d.gaussian_mask(draws(), 3, p=1), r"p=1, expected a drop probability in \[0, 1\)"),
        (lambda: d.mask(draws(), (4, 5), p=np.ones(5)), r"an array \(4, 5\)"),
        (lambda: d.variational_mask(draws(), (4,)), r"variational_mask: shape \(4,\), expected \(K, T, ...\)"),
        (lambda: d.spatial_mask(draws(), (4,)), r"spatial_mask: shape \(4,\)"),
        (lambda: d.dropout(x, x[0]), r"dropout: mask of shape \(5,\), expected \(4, 5\)"),
        (lambda: d.dropout(x[:1], x), r"mask of shape \(4, 5\), expected \(1, 5\)"),
        (lambda: d.inverted_dropout(x, x.T), r"inverted_dropout: mask of shape \(5, 4\)"),
        (lambda: d.dropconnect(x, W, W), r"M of shape \(5, 2\), expected \(4, 5, 2\)"),
        (lambda: d.dropconnect(x, W.T, W[None]), r"x, W of shapes \(4, 5\), \(2, 5\)"),
        (lambda: d.dropconnect_moments(x[0], W), r"x, W of shapes \(5,\), \(5, 2\)"),
        (lambda: d.dropconnect_test(draws(), x, W, np.tanh, samples=0), "samples=0"),
        (lambda: d.standout_keep(x, W.T), r"standout_keep: x, W of shapes"),
        (lambda: d.standout_test(x, x[:1]), r"g of shape \(1, 5\), expected \(4, 5\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

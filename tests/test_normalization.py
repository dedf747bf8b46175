"""Normalization layers against torch, forward and backward, and against finite differences; bad input."""

from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from nndl_lib.modules import BatchNorm
from nndl_lib.normalization import (
    batch_norm,
    group_norm,
    instance_norm,
    layer_norm,
    local_response_norm,
    standardize,
    weight_norm,
)
from nndl_lib.pytorch import Layer


def tensors(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [torch.tensor(rng.standard_normal(shape) + 0.3, requires_grad=True) for shape in shapes]


def running(n):
    rng = np.random.default_rng(5)
    return {"mean": torch.tensor(rng.standard_normal(n)), "var": torch.tensor(rng.random(n) + 0.5)}


def torch_weight_norm(v, g):
    return torch._weight_norm(v, g.reshape(-1, *[1] * (v.ndim - 1)), 0)


def torch_lrn(x, n=5, k=2.0, alpha=1e-4, beta=0.75):
    return F.local_response_norm(x, n, alpha=alpha * n, beta=beta, k=k)


STATS = running(6)
# ours, torch's, the shapes of the inputs
CASES = {
    "batch 2d": (batch_norm, lambda x, g, b: F.batch_norm(x, None, None, g, b, training=True), [(7, 6), 6, 6]),
    "batch 3d": (batch_norm, lambda x, g, b: F.batch_norm(x, None, None, g, b, training=True), [(3, 6, 4), 6, 6]),
    "batch 4d": (batch_norm, lambda x, g, b: F.batch_norm(x, None, None, g, b, training=True), [(3, 6, 4, 2), 6, 6]),
    "batch eps": (
        partial(batch_norm, eps=0.3),
        lambda x, g, b: F.batch_norm(x, None, None, g, b, training=True, eps=0.3),
        [(7, 6), 6, 6],
    ),
    "batch test": (
        partial(batch_norm, **STATS),
        lambda x, g, b: F.batch_norm(x, STATS["mean"], STATS["var"], g, b),
        [(7, 6), 6, 6],
    ),
    "layer": (layer_norm, lambda x, g, b: F.layer_norm(x, (5,), g, b), [(4, 5), 5, 5]),
    "layer 3d": (layer_norm, lambda x, g, b: F.layer_norm(x, (5,), g, b), [(4, 3, 5), 5, 5]),
    "layer eps": (partial(layer_norm, eps=0.2), lambda x, g, b: F.layer_norm(x, (5,), g, b, 0.2), [(4, 5), 5, 5]),
    "group": (partial(group_norm, groups=3), lambda x, g, b: F.group_norm(x, 3, g, b), [(2, 6, 3, 4), 6, 6]),
    "group of all": (partial(group_norm, groups=1), lambda x, g, b: F.group_norm(x, 1, g, b), [(2, 6), 6, 6]),
    "instance": (instance_norm, lambda x, g, b: F.instance_norm(x, weight=g, bias=b), [(2, 6, 3, 4), 6, 6]),
    "weight": (weight_norm, torch_weight_norm, [(4, 5), 4]),
    "weight conv": (weight_norm, torch_weight_norm, [(4, 3, 2, 2), 4]),
    "response": (local_response_norm, torch_lrn, [(2, 8, 3)]),
    "response strong": (
        partial(local_response_norm, n=3, k=1.0, alpha=0.7, beta=0.6),
        partial(torch_lrn, n=3, k=1.0, alpha=0.7, beta=0.6),
        [(2, 8, 3, 2)],
    ),
    "response few": (
        partial(local_response_norm, n=7, alpha=0.5),
        partial(torch_lrn, n=7, alpha=0.5),
        [(2, 2, 3)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_layer_equals_torchs_forward_and_backward(name):
    ours, theirs, shapes = CASES[name]
    inputs = tensors(*shapes)
    expected = theirs(*inputs)
    (dy,) = tensors(tuple(expected.shape), seed=1)
    y, vjp = ours(*[part.detach() for part in inputs])
    torch.testing.assert_close(y, expected.detach(), rtol=0, atol=1e-10)
    for own, right in zip(vjp(dy.detach()), torch.autograd.grad(expected, inputs, dy.detach()), strict=True):
        torch.testing.assert_close(own, right, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", CASES)
def test_the_backward_pass_equals_finite_differences(name):
    ours, _, shapes = CASES[name]
    assert torch.autograd.gradcheck(Layer(ours), tensors(*shapes))


@pytest.mark.parametrize("name", CASES)
def test_numpy_and_torch_give_the_same_numbers(name):
    ours, _, shapes = CASES[name]
    inputs = [part.detach() for part in tensors(*shapes)]
    y, vjp = ours(*inputs)
    if "test" in name:
        ours = partial(batch_norm, **{key: part.numpy() for key, part in STATS.items()})
    y_np, vjp_np = ours(*[part.numpy() for part in inputs])
    np.testing.assert_allclose(y_np, y.numpy(), atol=1e-12)
    for own, other in zip(vjp_np(np.ones(y.shape)), vjp(torch.ones_like(y)), strict=True):
        np.testing.assert_allclose(own, other.numpy(), atol=1e-12)


def test_statistics_are_those_used():
    x, gamma, beta = (part.detach() for part in tensors((9, 4, 3), 4, 4))
    _, vjp = batch_norm(x, gamma, beta)
    mean, var = vjp.stats
    torch.testing.assert_close(mean, x.mean(dim=(0, 2)))
    torch.testing.assert_close(var, x.var(dim=(0, 2), correction=0))


# --- theorems


def test_the_standardized_values_have_mean_0_and_variance_1():
    z, _ = standardize(np.random.default_rng(0).exponential(size=(50, 6)), 0, eps=0)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(z.var(axis=0), 1, atol=1e-14)


def test_batch_norm_with_the_root_of_the_variance_plus_eps_is_the_identity():
    x = np.random.default_rng(0).standard_normal((20, 3)) * [0.1, 1, 10]
    var = x.var(axis=0)
    for gamma, exact in (((var + 1e-2) ** 0.5, True), (var**0.5, False), (var**0.5 + 1e-2, False)):
        y, _ = batch_norm(x, gamma, x.mean(axis=0), eps=1e-2)
        assert np.allclose(y, x, atol=1e-12) == exact


def test_batch_norm_does_not_see_shift_and_scale_of_its_input():
    x, gamma, beta = np.random.default_rng(0).standard_normal((20, 3)), np.ones(3), np.zeros(3)
    y, moved = (batch_norm(a, gamma, beta, eps=0)[0] for a in (x, 100 * x + 7))
    np.testing.assert_allclose(moved, y, atol=1e-11)


def test_the_gradient_of_the_input_sums_to_zero_and_is_orthogonal_to_it():
    x, gamma, beta = np.random.default_rng(0).standard_normal((20, 3)), np.ones(3), np.zeros(3)
    y, vjp = batch_norm(x, gamma, beta, eps=0)
    dx, _, _ = vjp(np.random.default_rng(1).standard_normal((20, 3)))
    np.testing.assert_allclose(dx.sum(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose((dx * y).sum(axis=0), 0, atol=1e-13)


def test_layer_norm_of_rows_is_batch_norm_of_columns():
    x, one, zero = np.random.default_rng(0).standard_normal((4, 6)), np.ones, np.zeros
    np.testing.assert_allclose(layer_norm(x, one(6), zero(6))[0], batch_norm(x.T, one(4), zero(4))[0].T, atol=1e-12)


def test_groups_of_one_channel_are_instances_and_one_group_is_a_layer():
    x, one, zero = np.random.default_rng(0).standard_normal((3, 4, 5)), np.ones(4), np.zeros(4)
    np.testing.assert_allclose(group_norm(x, one, zero, groups=4)[0], instance_norm(x, one, zero)[0], atol=1e-12)
    flat = layer_norm(x.reshape(3, 20), np.ones(20), np.zeros(20))[0].reshape(x.shape)
    np.testing.assert_allclose(group_norm(x, one, zero, groups=1)[0], flat, atol=1e-12)


def test_weights_have_the_given_length_and_the_gradient_of_v_is_orthogonal_to_v():
    v, g = (part.detach() for part in tensors((4, 5), 4))
    W, vjp = weight_norm(v, g)
    torch.testing.assert_close(W.norm(dim=1), g.abs())
    dv, _ = vjp(torch.randn(4, 5, dtype=torch.float64))
    torch.testing.assert_close((dv * v).sum(dim=1), torch.zeros(4, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n", "inside"), [(1, 1), (3, 3), (5, 5), (4, 5)])
def test_the_window_of_local_response_is_cut_at_the_ends(n, inside):
    ones = np.ones((1, 9, 1))
    y, _ = local_response_norm(ones, n=n, k=1.0, alpha=1.0, beta=1.0)
    counts = 1 / y[0, :, 0] - 1
    assert counts[4] == pytest.approx(inside) and counts[0] == pytest.approx(inside // 2 + 1)


def test_the_constants_of_alexnet_hardly_suppress():
    """The printed 10e-4 for alpha, or even 10 e^-4, would."""
    x = np.zeros((1, 5, 1))
    x[0, 2] = 100.0
    divisor = [2**-0.75 * 100 / local_response_norm(x, alpha=a)[0][0, 2, 0] for a in (1e-4, 10e-4, 10 * np.exp(-4))]
    assert divisor[0] == pytest.approx(1.5**0.75) and divisor[1] > 3 and divisor[2] > 100


# --- the module


@pytest.mark.parametrize("shape", [(8, 5), (4, 5, 3), (4, 5, 3, 2)])
def test_the_module_equals_torchs_over_20_batches_and_in_evaluation(shape):
    ours = BatchNorm(5, dtype=torch.float64)
    theirs = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d}[len(shape)](5, dtype=torch.float64)
    optimizers = [torch.optim.SGD(module.parameters(), lr=0.1) for module in (ours, theirs)]
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, dy = torch.tensor(rng.standard_normal(shape) * 3 + 1), torch.tensor(rng.standard_normal(shape))
        xs = [x.clone().requires_grad_() for _ in range(2)]
        ys = [module(own) for module, own in zip((ours, theirs), xs, strict=True)]
        for y, optimizer in zip(ys, optimizers, strict=True):
            optimizer.zero_grad()
            y.backward(dy)
            optimizer.step()
        torch.testing.assert_close(ys[0], ys[1], rtol=0, atol=1e-10)
        torch.testing.assert_close(xs[0].grad, xs[1].grad, rtol=0, atol=1e-10)
    torch.testing.assert_close(ours.mean, theirs.running_mean)
    torch.testing.assert_close(ours.var, theirs.running_var)
    ours.eval(), theirs.eval()
    before = ours.mean.clone()
    torch.testing.assert_close(ours(x), theirs(x), rtol=0, atol=1e-10)
    torch.testing.assert_close(ours(x[:1]), theirs(x[:1]), rtol=0, atol=1e-10)
    assert torch.equal(ours.mean, before)


def test_the_module_keeps_its_statistics_in_its_state():
    module, other = BatchNorm(3), BatchNorm(3)
    module(torch.randn(10, 3))
    other.load_state_dict(module.state_dict())
    assert torch.equal(other.mean, module.mean) and torch.equal(other.var, module.var)


# --- bad input

X, ONE = np.ones((4, 6)), np.ones(6)
BAD = X.copy()
BAD[1, 2] = np.nan


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: batch_norm(X[:1], ONE, ONE), r"x of shape \(1, 6\), expected two values per unit"),
        (lambda: batch_norm(X, ONE[:5], ONE), r"\(4, 6\), \(5,\), \(6,\)"),
        (lambda: batch_norm(X[0], ONE, ONE), r"x, gamma, beta of shapes \(6,\)"),
        (lambda: batch_norm(X[:0], ONE, ONE), r"\(0, 6\)"),
        (lambda: batch_norm(X, ONE, ONE, mean=ONE), "both mean and var"),
        (lambda: batch_norm(X, ONE, ONE, eps=-1), "eps=-1"),
        (lambda: batch_norm(BAD, ONE, ONE), "NaN"),
        (lambda: layer_norm(BAD, ONE, ONE), "NaN"),
        (lambda: layer_norm(X, ONE[:4], ONE[:4]), r"n = 6"),
        (lambda: group_norm(X, ONE, ONE, groups=4), "groups=4, expected a divisor of the 6"),
        (lambda: group_norm(X, ONE, ONE, groups=0), "groups=0"),
        (lambda: instance_norm(X, ONE, ONE), r"x of shape \(4, 6\)"),
        (lambda: instance_norm(X[:, :, None], ONE, ONE), "two or more"),
        (lambda: weight_norm(X, ONE), r"\(4, 6\), \(6,\)"),
        (lambda: weight_norm(0 * X, ONE[:4]), "row of zeros"),
        (lambda: weight_norm(BAD, ONE[:4]), "NaN"),
        (lambda: local_response_norm(X, n=0), "n=0"),
        (lambda: local_response_norm(X, k=0), "k=0"),
        (lambda: local_response_norm(ONE), r"\(6,\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

"""Curvature of losses against dense Hessians and closed forms: products, spectra, sharpness, slices."""

import numpy as np
import pytest
import torch
from twins import rescaled

from nndl_lib.curvature import (
    extreme_eigenvalues,
    filter_normalized,
    hessian,
    hessian_product,
    loss_slice,
    random_hessian,
    risk,
    sharpness,
)
from nndl_lib.networks import blocks, mlp, squared_error, start

H = torch.tensor(np.random.default_rng(1).standard_normal((4, 4)))
H = H + H.T


def bowl(theta):
    return (theta @ H * theta).sum(dim=1) / 2


def diagonal(curvatures):
    return lambda theta: (curvatures * theta**2).sum(dim=1) / 2


def network(*sizes, R=2, activation=torch.tanh, K=30):
    """A risk on random data and R parameter vectors."""
    rng, net = np.random.default_rng(0), mlp(*sizes, activation=activation)
    x, y = torch.as_tensor(rng.standard_normal((K, sizes[0]))), torch.as_tensor(rng.integers(0, sizes[-1], K))
    return net, risk(net, (x, y)), start(net, R, dtype=torch.float64)


def test_the_hessian_of_a_quadratic_is_its_matrix():
    theta = torch.randn(3, 4, dtype=torch.float64)
    torch.testing.assert_close(hessian(bowl, theta), H.expand(3, 4, 4), rtol=0, atol=1e-12)


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_the_hessian_of_a_network_equals_torchs_for_each_replica(rows):
    _, loss, theta = network(3, 4, 3)
    ours = hessian(loss, theta, rows=rows)
    for r in range(2):
        expected = torch.autograd.functional.hessian(lambda row: loss(row[None]).sum(), theta[r])
        torch.testing.assert_close(ours[r], expected, rtol=0, atol=1e-12)


def test_the_product_equals_the_hessian_times_the_vector():
    _, loss, theta = network(3, 5, 2, R=3)
    v = torch.randn(theta.shape, dtype=torch.float64)
    expected = torch.einsum("rij,rj->ri", hessian(loss, theta), v)
    torch.testing.assert_close(hessian_product(loss, theta, v), expected, rtol=0, atol=1e-12)


def test_the_product_equals_the_difference_of_gradients():
    _, loss, theta = network(3, 5, 2)
    v, step = torch.randn(theta.shape, dtype=torch.float64), 1e-5

    def grad(theta):
        theta = theta.requires_grad_()
        return torch.autograd.grad(loss(theta).sum(), theta)[0]

    expected = (grad(theta + step * v) - grad(theta - step * v)) / (2 * step)
    torch.testing.assert_close(hessian_product(loss, theta, v), expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("sizes", [(3, 4, 3), (5, 12, 4), (8, 20, 3)])
@pytest.mark.parametrize("k", [1, 3])
def test_the_ends_of_the_spectrum_equal_those_of_the_dense_hessian(sizes, k):
    net, loss, theta = network(*sizes)
    values, vectors = extreme_eigenvalues(loss, theta, k=k)
    assert values.shape == (2, 2 * k) and vectors.shape == (2, 2 * k, net.size)
    for r, dense in enumerate(hessian(loss, theta).numpy()):
        expected = np.linalg.eigvalsh(dense)
        np.testing.assert_allclose(values[r], [*expected[:k], *expected[-k:]], rtol=0, atol=1e-5 * expected[-1])
        np.testing.assert_allclose(vectors[r] @ vectors[r].T, np.eye(2 * k), atol=1e-5)
        np.testing.assert_allclose(vectors[r] @ dense, values[r][:, None] * vectors[r], atol=1e-4 * expected[-1])


@pytest.mark.parametrize("sign", [1, -1])
def test_the_ends_are_found_where_all_eigenvalues_have_one_sign(sign):
    curvatures = sign * torch.linspace(1, 100, 80, dtype=torch.float64)
    values, vectors = extreme_eigenvalues(
        lambda theta: (curvatures * theta**2).sum(dim=1) / 2, torch.zeros(1, 80).double()
    )
    np.testing.assert_allclose(values[0], sorted([sign * 1, sign * 100]), rtol=1e-4)
    assert abs(vectors[0]).max(axis=1) == pytest.approx(1, abs=1e-3)


def test_a_flat_bottom_of_the_spectrum_is_found():
    curvatures = torch.cat([torch.zeros(90), torch.ones(10)]).double()
    values, _ = extreme_eigenvalues(diagonal(curvatures), torch.zeros(1, 100).double())
    np.testing.assert_allclose(values[0], [0, 1], atol=1e-5)


def test_single_precision_gives_the_same_ends():
    _, loss, theta = network(5, 12, 4)
    net = mlp(5, 12, 4)
    rng = np.random.default_rng(0)
    data = torch.as_tensor(rng.standard_normal((30, 5))), torch.as_tensor(rng.integers(0, 4, 30))
    single = risk(net, (data[0].float(), data[1]))
    np.testing.assert_allclose(
        extreme_eigenvalues(single, theta.float())[0], extreme_eigenvalues(loss, theta)[0], rtol=2e-3, atol=1e-4
    )


def test_rescaled_relu_layers_compute_the_same_and_are_sharper():
    net, loss, theta = network(4, 6, 3, R=1, activation=torch.relu)
    other, x = rescaled(net, theta, 8), torch.randn(20, 4, dtype=torch.float64)
    torch.testing.assert_close(net(x, other), net(x, theta), rtol=0, atol=1e-12)
    assert sharpness(loss, other)[0] > 10 * sharpness(loss, theta)[0]


def test_sharpness_is_the_highest_curvature():
    assert sharpness(bowl, torch.zeros(2, 4).double()) == pytest.approx(np.linalg.eigvalsh(H.numpy())[-1] * np.ones(2))


def test_risk_takes_any_loss_of_the_networks():
    net, x, y = mlp(2, 1), torch.randn(5, 2), torch.randn(5, 1)
    theta = start(net, 3)
    torch.testing.assert_close(risk(net, (x, y), squared_error)(theta), squared_error(net(x, theta), y))


# --- slices


def test_a_slice_holds_the_loss_at_the_shifted_points():
    _, loss, theta = network(3, 4, 3, R=1)
    d = torch.randn(2, theta.shape[1], dtype=torch.float64)
    a, b = np.linspace(-1, 1, 7), np.linspace(-2, 2, 12)
    values = loss_slice(loss, theta[0], d, a, b)
    assert values.shape == (7, 12)
    for i, j in [(0, 0), (3, 5), (6, 11), (2, 9)]:
        assert values[i, j] == pytest.approx(loss(theta + a[i] * d[0] + b[j] * d[1]).item())
    line = loss_slice(loss, theta[0], d[:1], a)
    np.testing.assert_allclose(line, loss_slice(loss, theta[0], d, a, [0.0])[:, 0])


def test_the_curvature_of_a_slice_is_that_of_the_hessian():
    _, loss, theta = network(3, 4, 3, R=1)
    d = torch.randn(1, theta.shape[1], dtype=torch.float64)
    low, middle, high = loss_slice(loss, theta[0], d, [-1e-4, 0, 1e-4])
    expected = (d * hessian_product(loss, theta, d)).sum().item()
    assert (low - 2 * middle + high) / 1e-8 == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("net", [mlp(6, 5, 4, 3), blocks(6, 4, 2, 3)])
def test_a_filter_normalized_direction_has_the_norm_of_each_units_weights(net):
    theta = start(net, 3, dtype=torch.float64)
    d = filter_normalized(np.random.default_rng(0), net, theta)
    for (W, b), (V, v) in zip(net.unpack(theta), net.unpack(d), strict=True):
        torch.testing.assert_close(V.norm(dim=1), W.norm(dim=1))
        assert b.shape == v.shape and (v == 0).all()
    assert not torch.equal(d[0], d[1])


def test_a_filter_normalized_slice_does_not_see_the_rescaling_of_relu():
    net, loss, theta = network(4, 6, 3, R=1, activation=torch.relu)
    other, a = rescaled(net, theta, 8), np.linspace(-0.5, 0.5, 9)
    lines = [loss_slice(loss, t[0], filter_normalized(np.random.default_rng(0), net, t), a) for t in (theta, other)]
    np.testing.assert_allclose(lines[0], lines[1], rtol=1e-9)


# --- random Hessians


def test_the_eigenvalues_of_large_random_hessians_fill_the_semicircle():
    values = np.linalg.eigvalsh(random_hessian(np.random.default_rng(0), 300, 4))
    assert abs(values).max() == pytest.approx(2, abs=0.15)
    assert (values**2).mean() == pytest.approx(1, abs=0.03)
    assert (abs(values) < 1).mean() == pytest.approx(1 / 3 + 3**0.5 / (2 * np.pi), abs=0.02)


def test_two_eigenvalues_are_both_positive_with_the_exact_probability():
    values = np.linalg.eigvalsh(random_hessian(np.random.default_rng(0), 2, 40_000))
    share = (values > 0).all(axis=1).mean()
    assert share == pytest.approx((2 - 2**0.5) / 4, abs=0.006) != pytest.approx(0.25, abs=0.05)


# --- bad input


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hessian_product(bowl, torch.zeros(2, 4).double(), torch.zeros(4).double()), r"v of shape \(4,\)"),
        (lambda: hessian_product(bowl, torch.zeros(4).double(), torch.zeros(4).double()), r"expected floats of shape"),
        (lambda: hessian_product(lambda t: t, torch.zeros(1, 4), torch.zeros(1, 4)), r"loss returned shape \(1, 4\)"),
        (lambda: hessian(bowl, torch.full((1, 4), torch.nan).double()), "NaN or infinite"),
        (lambda: hessian(bowl, torch.zeros(1, 4, dtype=torch.int64)), "int64"),
        (lambda: extreme_eigenvalues(bowl, torch.zeros(1, 4).double(), k=3), "k=3.*D = 4"),
        (lambda: extreme_eigenvalues(bowl, torch.zeros(1, 4).double(), k=0), "k=0"),
        (lambda: loss_slice(bowl, torch.zeros(4).double(), torch.zeros(1, 4).double(), [0.0], [1.0]), "k = 2"),
        (lambda: loss_slice(bowl, torch.zeros(1, 4).double(), torch.zeros(1, 4).double(), [0.0]), r"theta \(1, 4\)"),
        (lambda: random_hessian(np.random.default_rng(0), 0, 5), "D=0"),
        (lambda: random_hessian(np.random.default_rng(0), 2, 1.5), "n=1.5"),
        (lambda: filter_normalized(np.random.default_rng(0), mlp(2, 2), torch.zeros(6)), r"\(6,\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()

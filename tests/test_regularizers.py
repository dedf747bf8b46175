"""Penalties, softened targets and stopping: against torch and scikit-learn, theorems, bad input."""

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from nndl_lib.descent import trajectory
from nndl_lib.networks import cross_entropy
from nndl_lib.optimizers import adam, momentum, sgd
from nndl_lib.pytorch import Layer
from nndl_lib.regularizers import (
    distillation_loss,
    early_stopping,
    early_stopping_gl,
    elastic_net,
    generalization_loss,
    l1,
    l2,
    label_smoothing,
    smooth_l1,
    torch_eps,
)

PENALTIES = {
    "l1": partial(l1, lam=0.3),
    "l2": partial(l2, lam=0.3),
    "elastic net": partial(elastic_net, lam1=0.2, lam2=0.5),
    "smooth l1": partial(smooth_l1, lam=0.3, eps=1e-2),
}
FORMULAS = {
    "l1": lambda theta: 0.3 * np.abs(theta).sum(axis=-1),
    "l2": lambda theta: 0.15 * np.linalg.norm(theta, axis=-1) ** 2,
    "elastic net": lambda theta: 0.2 * np.abs(theta).sum(axis=-1) + 0.25 * (theta**2).sum(axis=-1),
    "smooth l1": lambda theta: 0.3 * np.hypot(theta, 0.1).sum(axis=-1),
}


def draws():
    return np.random.default_rng(0)


def last(*args, **kwargs):
    *_, theta = trajectory(*args, **kwargs)
    return theta


# --- Penalties


@pytest.mark.parametrize("shape", [(5,), (3, 5)])
@pytest.mark.parametrize("name", PENALTIES)
def test_a_penalty_has_its_value_and_torchs_gradient(name, shape):
    theta = draws().standard_normal(shape)
    value, vjp = PENALTIES[name](theta)
    np.testing.assert_allclose(value, FORMULAS[name](theta), rtol=1e-12)
    assert np.shape(value) == shape[:-1]
    tensor = torch.tensor(theta, requires_grad=True)
    own = PENALTIES[name](tensor.detach())
    np.testing.assert_allclose(own[0], value, rtol=1e-12)
    (right,) = torch.autograd.grad(PENALTIES[name](tensor)[0].sum(), tensor)
    for gradient in (vjp(1)[0], vjp(np.ones(shape[:-1]))[0], own[1](torch.ones_like(own[0]))[0]):
        np.testing.assert_allclose(gradient, right, rtol=1e-12)


@pytest.mark.parametrize("shape", [(5,), (3, 5)])
@pytest.mark.parametrize("name", PENALTIES)
def test_the_vjp_of_a_penalty_equals_finite_differences(name, shape):
    theta = torch.tensor(draws().standard_normal(shape), requires_grad=True)
    assert torch.autograd.gradcheck(Layer(PENALTIES[name]), [theta])


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor])
@pytest.mark.parametrize(
    ("penalty", "keys"), [(l1, ["lam"]), (l2, ["lam"]), (smooth_l1, ["lam"]), (elastic_net, ["lam1", "lam2"])]
)
def test_a_column_of_weights_gives_each_replica_its_own(penalty, keys, kind):
    theta, column = draws().standard_normal((3, 5)).astype(np.float32), np.array([[0.0], [0.5], [2.0]])
    value, vjp = penalty(kind(theta), **dict.fromkeys(keys, column))
    g = vjp(1)[0]
    assert g.dtype == kind(theta).dtype and value.dtype == kind(theta).dtype
    for r in range(3):
        own, back = penalty(theta[r], **dict.fromkeys(keys, column[r, 0]))
        np.testing.assert_allclose(value[r], own, rtol=1e-6)
        np.testing.assert_allclose(g[r], back(1)[0], rtol=1e-6)


def test_the_subgradient_of_l1_at_zero_is_zero():
    assert (l1(np.zeros(3), lam=1)[1](1)[0] == 0).all()
    assert (l1(torch.zeros(3), lam=1)[1](1)[0] == 0).all()


def test_smooth_l1_exceeds_l1_by_at_most_the_root_of_eps_per_entry():
    for scale in (0, 1e-6, 1e-3, 1, 100):
        theta = scale * draws().standard_normal(50)
        excess = smooth_l1(theta, lam=1, eps=1e-6)[0] - l1(theta, lam=1)[0]
        assert -1e-12 <= excess <= 50e-3 * (1 + 1e-12)
    assert smooth_l1(np.zeros(50), lam=1, eps=1e-6)[0] == pytest.approx(50e-3)


def data(N=60, D=8):
    X = draws().standard_normal((N, D)) * np.linspace(0.5, 2, D)
    return X, X @ np.array([3.0, 0, 0, -2, 0.05, 0, 1, 0])[:D] + np.random.default_rng(1).standard_normal(N)


def test_descent_with_the_l2_penalty_reaches_scikit_learns_ridge_solution():
    """Its objective is |y - X theta|^2 + alpha |theta|^2, ours 1/(2N) of it."""
    X, y = data()
    penalty = partial(l2, lam=0.3)
    theta = last(sgd, lambda theta: X.T @ (X @ theta - y) / 60 + penalty(theta)[1](1)[0], np.zeros(8), 3000, lr=0.2)
    right = Ridge(alpha=0.3 * 60, fit_intercept=False, solver="cholesky").fit(X, y).coef_
    np.testing.assert_allclose(theta, right, rtol=0, atol=1e-6)


def test_the_ridge_solution_shrinks_along_the_eigenvectors_of_the_curvature():
    X, y = data()
    H, lam = X.T @ X / 60, 0.3
    best = np.linalg.solve(H, X.T @ y / 60)
    theta = last(sgd, lambda theta: H @ (theta - best) + lam * theta, np.zeros(8), 3000, lr=0.2)
    values, Q = np.linalg.eigh(H)
    np.testing.assert_allclose(Q.T @ theta, values / (values + lam) * (Q.T @ best), atol=1e-9)


@pytest.mark.parametrize(
    ("rule", "constants", "equal"),
    [(sgd, {}, True), (momentum, {"rho": 0.9}, False), (adam, {}, False)],
)
def test_the_l2_penalty_is_weight_decay_with_w_equal_to_lr_times_lam_for_sgd_only(rule, constants, equal):
    def grad(theta):
        return np.sin(3 * theta) + theta

    start = np.linspace(-1, 1, 7)
    penalized = last(rule, lambda t: grad(t) + l2(t, lam=0.5)[1](1)[0], start, 5, lr=0.1, **constants)
    decayed = last(rule, grad, start, 5, lr=0.1, decay=0.5, **constants)
    assert np.allclose(penalized, decayed, rtol=0, atol=1e-12) == equal


@pytest.mark.parametrize("rho", [0, 0.8])
def test_the_l2_penalty_is_torchs_weight_decay_of_sgd(rho):
    start = draws().standard_normal(6)
    theta = last(momentum, lambda t: np.cos(t) + l2(t, lam=0.3)[1](1)[0], start, 20, lr=0.1, rho=rho)
    peer = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.SGD([peer], lr=0.1, momentum=rho, weight_decay=0.3)
    for _ in range(20):
        optimizer.zero_grad()
        peer.sin().sum().backward()
        optimizer.step()
    np.testing.assert_allclose(theta, peer.detach(), rtol=0, atol=1e-12)


# --- Soft targets


@settings(deadline=None, derandomize=True)
@given(K=st.integers(2, 6), eps=st.floats(0, 1), shape=st.sampled_from([(1,), (5,), (2, 3)]))
def test_soft_labels_are_probabilities_with_1_minus_eps_at_the_label(K, eps, shape):
    y = draws().integers(0, K, shape)
    for soft in (label_smoothing(y, K, eps=eps), label_smoothing(torch.as_tensor(y), K, eps=eps).numpy()):
        assert soft.shape == (*shape, K)
        np.testing.assert_allclose(soft.sum(axis=-1), 1, atol=1e-6)
        np.testing.assert_allclose(np.take_along_axis(soft, y[..., None], -1), 1 - eps, atol=1e-6)
        np.testing.assert_allclose(np.sort(soft, axis=-1)[..., :-1].std(axis=-1) * (eps <= 1 - 1 / K), 0, atol=1e-6)


def test_without_smoothing_labels_are_one_hot():
    np.testing.assert_array_equal(label_smoothing(np.array([2, 0]), 3, eps=0), [[0, 0, 1], [1, 0, 0]])


@pytest.mark.parametrize("eps", [0.0, 0.1, 0.4])
def test_smoothing_equals_torchs_at_the_converted_eps(eps):
    logits, y = torch.tensor(draws().standard_normal((1, 7, 5))), torch.as_tensor(draws().integers(0, 5, 7))
    own = cross_entropy(logits, torch.as_tensor(label_smoothing(y.numpy(), 5, eps=eps)))
    right = F.cross_entropy(logits[0], y, label_smoothing=torch_eps(eps, 5))
    assert own.item() == pytest.approx(right.item(), abs=1e-12)
    assert eps == 0 or own.item() != pytest.approx(F.cross_entropy(logits[0], y, label_smoothing=eps).item(), abs=1e-3)


def test_the_smoothed_loss_has_its_minimum_at_a_finite_gap_of_the_logits():
    """At the minimum the probabilities are the targets: the gap is log((1 - eps)(K - 1)/eps)."""
    logits = torch.zeros(1, 1, 4, dtype=torch.float64, requires_grad=True)
    target = torch.as_tensor(label_smoothing(np.array([1]), 4, eps=0.1))
    optimizer = torch.optim.LBFGS([logits], max_iter=100, tolerance_grad=1e-12, tolerance_change=1e-16)

    def closure():
        optimizer.zero_grad()
        loss = cross_entropy(logits, target).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    gap = logits[0, 0, 1] - logits[0, 0, [0, 2, 3]]
    np.testing.assert_allclose(gap.detach(), np.log(0.9 * 3 / 0.1), atol=1e-6)


def test_distillation_equals_a_calculation_by_hand():
    outputs, teacher, y = torch.tensor([[[0.0, 2.0]]]), torch.tensor([[4.0, 0.0]]), torch.tensor([1])
    q = 1 / (1 + np.exp(-4 / 2))
    p = 1 / (1 + np.exp(2 / 2))
    soft, hard = -q * np.log(p) - (1 - q) * np.log(1 - p), np.log(1 + np.exp(-2.0))
    loss = distillation_loss(outputs, teacher, y, T=2.0, alpha=0.3)
    assert loss.shape == (1,) and loss.item() == pytest.approx(0.3 * 4 * soft + 0.7 * hard, rel=1e-6)


def gradient(T, alpha=1.0, factor=1.0):
    rng = draws()
    outputs = torch.tensor(rng.standard_normal((2, 1, 5)), requires_grad=True)
    teacher = torch.tensor(rng.standard_normal((1, 5)))
    loss = factor * distillation_loss(outputs, teacher, torch.tensor([3]), T=T, alpha=alpha).sum()
    return torch.autograd.grad(loss, outputs)[0][:, 0], outputs.detach()[:, 0], teacher[0]


def test_at_a_high_temperature_distillation_matches_centred_logits():
    g, outputs, teacher = gradient(1e4)
    z, v = outputs - outputs.mean(1, keepdim=True), teacher - teacher.mean()
    torch.testing.assert_close(g, (z - v) / 5, rtol=1e-3, atol=1e-5)


def test_the_factor_t_squared_keeps_the_size_of_the_gradient():
    sizes = [gradient(T)[0].norm().item() for T in (2, 10, 100)]
    assert max(sizes) < 2 * min(sizes)
    bare = [gradient(T, factor=T**-2)[0].norm().item() for T in (2, 10, 100)]
    assert max(bare) > 100 * min(bare)


def test_distillation_from_oneself_leaves_nothing_to_learn_and_alpha_0_is_cross_entropy():
    outputs = torch.tensor(draws().standard_normal((2, 4, 3)), requires_grad=True)
    y = torch.tensor([0, 2, 1, 1])
    (g,) = torch.autograd.grad(distillation_loss(outputs, outputs.detach(), y, T=3.0, alpha=1.0).sum(), outputs)
    assert abs(g).max() < 1e-15
    plain = distillation_loss(outputs, torch.zeros(4, 3), y, alpha=0.0)
    torch.testing.assert_close(plain, cross_entropy(outputs, y))


# --- Early stopping


def stopped_by_hand(losses, patience):
    best, waited = 0, 0
    for e in range(1, len(losses)):
        best, waited = (e, 0) if losses[e] < losses[best] else (best, waited + 1)
        if waited >= patience:
            return e, best
    return len(losses) - 1, best


curves = st.lists(st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0, np.nan, np.inf]), min_size=0, max_size=12)


@settings(deadline=None, derandomize=True)
@given(curve=curves, patience=st.integers(1, 5))
def test_early_stopping_equals_a_loop(curve, patience):
    assert early_stopping([2.0, *curve], patience=patience) == stopped_by_hand([2.0, *curve], patience)


@pytest.mark.parametrize("stop", [partial(early_stopping, patience=2), partial(early_stopping_gl, alpha=10)])
def test_curves_are_judged_each_on_its_own(stop):
    losses = 1 + draws().random((4, 20))
    together = stop(losses)
    assert [tuple(int(part[r]) for part in together) for r in range(4)] == [stop(row) for row in losses]


def test_a_curve_is_stopped_after_patience_evaluations_without_improvement():
    losses = [5, 3, 4, 3, 2, 6, 7, 8, 1]
    assert early_stopping(losses, patience=2) == (3, 1)
    assert early_stopping(losses, patience=3) == (7, 4)
    assert early_stopping(losses, patience=4) == (8, 8)
    assert early_stopping([1.0, np.nan, np.nan], patience=2) == (2, 0)


def test_the_generalization_loss_is_the_excess_over_the_lowest_loss_so_far_in_percent():
    np.testing.assert_allclose(generalization_loss([2, 1, 1.2, 0.5, 1]), [0, 0, 20, 0, 100])
    assert early_stopping_gl([2, 1, 1.2, 0.5, 1], alpha=19) == (2, 1)
    assert early_stopping_gl([2, 1, 1.2, 0.5, 1], alpha=20.5) == (4, 3)
    assert early_stopping_gl([2, 1, 1.2, 0.5, 1], alpha=200) == (4, 3)
    assert early_stopping_gl([1, 1.25, 1.5, 2], alpha=25) == (2, 0)
    assert early_stopping_gl([2, np.nan, 1]) == (1, 0)


def test_the_pure_modules_do_not_import_torch():
    modules = "augment, dropout, proximal, regularizers"
    code = f"import sys; from nndl_lib import {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- Bad input

THETA, Y, LOGITS = np.ones((2, 3)), np.array([0, 2]), torch.zeros(1, 2, 3)


@pytest.mark.parametrize("penalty", [l1, l2, smooth_l1, lambda theta, lam: elastic_net(theta, lam1=0.1, lam2=lam)])
@pytest.mark.parametrize(
    ("theta", "lam", "words"),
    [
        (THETA, -1, "lam2?=-1, expected a number >= 0"),
        (THETA, np.nan, "lam2?=nan"),
        (THETA, np.inf, "lam2?=inf"),
        (THETA, np.ones(2), r"lam2? of shape \(2,\) .* expected a number, or \(R, 1\)"),
        (THETA, np.ones((1, 3)), r"\(1, 3\)"),
        (THETA[0], np.ones((2, 1)), r"for theta of shape \(3,\)"),
        (np.float64(1), 0.1, "theta=.*expected an array"),
        (np.ones((1, 2, 3)), 0.1, "theta="),
    ],
)
def test_bad_input_of_a_penalty_is_named(penalty, theta, lam, words):
    with pytest.raises(ValueError, match=words):
        penalty(theta, lam=lam)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: l1(THETA, lam="0.1"), TypeError, "lam='0.1'"),
        (lambda: smooth_l1(THETA, lam=1, eps=0), ValueError, "eps=0"),
        (lambda: label_smoothing(Y, 1), ValueError, "K=1, expected an integer >= 2"),
        (lambda: label_smoothing(Y, 3.0), ValueError, "K=3.0"),
        (lambda: label_smoothing(Y, 2), ValueError, "y from 0 to 2, expected labels from 0 to 1"),
        (lambda: label_smoothing(Y - 1, 3), ValueError, "y from -1 to 1"),
        (lambda: label_smoothing(Y + 0.5, 3), TypeError, "dtype float64, expected integers"),
        (lambda: label_smoothing(Y, 3, eps=1.1), ValueError, "eps=1.1"),
        (lambda: label_smoothing(Y, 3, eps=-0.1), ValueError, "eps=-0.1"),
        (lambda: torch_eps(0.1, 1), ValueError, "K=1"),
        (lambda: torch_eps(np.nan, 3), ValueError, "eps=nan"),
        (lambda: distillation_loss(LOGITS, LOGITS, torch.tensor([0, 1]), T=0), ValueError, "T=0"),
        (lambda: distillation_loss(LOGITS, LOGITS, torch.tensor([0, 1]), alpha=2), ValueError, "alpha=2"),
        (lambda: distillation_loss(LOGITS, LOGITS[:, :1], torch.tensor([0, 1])), ValueError, r"teacher \(1, 1, 3\)"),
        (lambda: distillation_loss(LOGITS, LOGITS, torch.tensor([0])), ValueError, r"y has shape \(1,\)"),
        (lambda: early_stopping([1, 2], patience=0), ValueError, "patience=0"),
        (lambda: early_stopping([1, 2], patience=1.5), ValueError, "patience=1.5"),
        (lambda: early_stopping([]), ValueError, r"shape \(0,\)"),
        (lambda: early_stopping(1.0), ValueError, r"shape \(\)"),
        (lambda: early_stopping([np.nan, 1]), ValueError, "first loss that is NaN"),
        (lambda: generalization_loss([1, 0]), ValueError, "losses down to 0.0"),
        (lambda: early_stopping_gl([1, 2], alpha=0), ValueError, "alpha=0"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()

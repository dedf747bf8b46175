"""Misprints of the source texts about what is difficult: the right form passes a theorem, the misprint does not.
"""

from functools import cache

import numpy as np
import pytest
import torch
from misprints import draws, erratum, number
from twins import rescaled

from nndl_lib.curvature import hessian, random_hessian, risk, sharpness
from nndl_lib.data import moons
from nndl_lib.descent import trajectory
from nndl_lib.networks import blocks, cross_entropy, mlp, start
from nndl_lib.optimizers import momentum, sgd

# --- Landscape


def by_eigenvalues(H):
    values = np.linalg.eigvalsh(H)
    return bool(values[0] < 0 < values[-1])


def by_coordinates(H):
    return bool(np.diag(H).min() < 0 < np.diag(H).max())


@erratum("err-saddle-definition", by_eigenvalues, by_coordinates)
def a_saddle_stays_one_in_turned_coordinates(is_saddle):
    H, c = np.array([[1.0, 0.0], [0.0, -1.0]]), 0.5**0.5
    Q = np.array([[c, -c], [c, c]])
    np.testing.assert_allclose(Q.T @ H @ Q, [[0, -1], [-1, 0]], atol=1e-12)
    return is_saddle(H) and is_saddle(Q.T @ H @ Q)


@erratum("err-gd-saddle-conflict", lambda t: 1.1**-t, lambda t: 1.0)
def of_uniform_starts_near_a_strict_saddle_there_are_left_after_100_steps_the_share(left):
    start = np.stack([np.ones(1000), np.linspace(-1, 1, 1000)], axis=1)
    *_, theta = trajectory(sgd, lambda theta: theta * [1, -1], start, 100, lr=0.1)
    return abs((abs(theta[:, 1]) < 1).mean() - left(100)) < 2e-3


@number("err-gd-saddle-conflict")
def each_factor_of_ten_nearer_costs_the_same_number_of_steps():
    start = np.stack([np.ones(3), 10.0 ** -np.arange(2, 5)], axis=1)
    path = np.array(list(trajectory(sgd, lambda theta: theta * [1, -1], start, 400, lr=0.1)))
    np.testing.assert_allclose(np.diff((abs(path[..., 1]) >= 1).argmax(axis=0)), np.log(10) / np.log(1.1), atol=1)


@erratum("err-saddle-independence", [(2 - 2**0.5) / 4, 0.0250, 0.0026], [2.0**-2, 2.0**-3, 2.0**-4])
def a_random_symmetric_hessian_is_positive_definite_with_probability(probabilities):
    rng, n = draws(), 100_000
    shares = [(np.linalg.eigvalsh(random_hessian(rng, D, n))[:, 0] > 0).mean() for D in (2, 3, 4)]
    return all(abs(p - q) < 5 * (q / n) ** 0.5 for p, q in zip(shares, probabilities, strict=True))


@erratum("err-stationary-term", lambda g, H: not g.any(), lambda g, H: not g.any() and np.linalg.eigvalsh(H)[0] > 0)
def every_saddle_is_a_stationary_point(is_stationary):
    return bool(is_stationary(np.zeros(2), np.array([[0.0, 1.0], [1.0, 0.0]])))


def size_of_outputs(loss, theta, outputs):
    return outputs.square().mean().item()


def largest_eigenvalue(loss, theta, outputs):
    return sharpness(loss, theta)[0]


@erratum("err-flat-minima-causal", size_of_outputs, largest_eigenvalue)
def what_generalization_depends_on_is_the_same_for_equal_functions(measure):
    """Rescaled ReLU layers are one function: it has one error on new data, but no single sharpness."""
    net, x = mlp(3, 5, 2, activation=torch.relu), torch.as_tensor(draws().standard_normal((20, 3)))
    y, theta = torch.arange(20) % 2, start(net, 1, dtype=torch.float64)

    def loss(theta):
        return cross_entropy(net(x, theta), y)

    numbers = [measure(loss, row, net(x, row)) for row in (theta, rescaled(net, theta, 4))]
    return bool(np.isclose(*numbers, rtol=1e-9))


@erratum("err-flat-minima-causal", "one parameter", "every direction")
def redundancy_flattens_the_minimum_of_a_squared_sum_along(direction):
    """Of (sum_i theta_i / D^1/2 - 1)^2 / 2, in which D parameters do the work of one."""

    def loss(theta):
        return (theta.sum(dim=1) / theta.shape[1] ** 0.5 - 1) ** 2 / 2

    def curvature(D):
        (H,) = hessian(loss, torch.full((1, D), D**-0.5, dtype=torch.float64))
        return (H[0, 0] if direction == "one parameter" else torch.linalg.eigvalsh(H)[-1]).item()

    return curvature(50) < 0.03 * curvature(1)


@cache
def ends(width):
    """Losses and lowest eigenvalues at the ends of eight runs on the two moons, with a small penalty."""
    net, data = mlp(2, width, 2), moons(100)
    base = risk(net, data)

    def loss(theta):
        return base(theta) + 5e-4 * (theta**2).sum(dim=1)

    def grad(theta):
        theta = theta.detach().requires_grad_()
        return torch.autograd.grad(loss(theta).sum(), theta)[0]

    *_, theta = trajectory(momentum, grad, start(net, 8, dtype=torch.float64), 200, lr=0.5, rho=0.9)
    assert grad(theta).norm(dim=1).max() < 5e-3
    return loss(theta).numpy(), torch.linalg.eigvalsh(hessian(loss, theta))[:, 0].numpy()


@erratum("err-local-minima-equal", "poor", "any")
def a_wider_network_ends_less_often_in_a_minimum_that_is(kind):
    """Poor: more than a tenth above the best of its width. Any: without an eigenvalue below -0.01."""

    def share(width):
        losses, lowest = ends(width)
        return ((losses > 1.1 * losses.min()) if kind == "poor" else (lowest > -0.01)).mean()

    return bool(share(8) < share(2) - 0.3)


# --- Conditioning


@erratum("err-hessian-point", "x_0", "x")
def a_quadratic_equals_its_second_order_expansion(point):
    """Gradient and Hessian at x_0, where the expansion starts, of f = x^3 - x with x close to x_0."""
    x0, x = 1.0, 1.001
    at = {"x_0": x0, "x": x}[point]
    expansion = (x0**3 - x0) + (x - x0) * (3 * at**2 - 1) + (x - x0) ** 2 * 6 * at / 2
    return abs(expansion - (x**3 - x)) < 2e-9


def rises_by_curvature_along_g(eps, g, H):
    return eps / 2 * g @ H @ g > g @ g


def rises_by_condition_number(eps, g, H):
    return np.linalg.cond(H) > 10


@erratum("err-illcond-curvature", rises_by_curvature_along_g, rises_by_condition_number)
def a_gradient_step_rises_if_and_only_if(rises):
    def change(eps, H, x):
        g = H @ x
        return (x - eps * g) @ H @ (x - eps * g) / 2 - x @ H @ x / 2

    bowls = (100 * np.eye(2), np.diag([1.0, 100.0]))
    cases = [
        (eps, H, np.array(x)) for H in bowls for eps in (0.001, 0.019, 0.021, 0.03) for x in ([1.0, 0.1], [0.1, 1.0])
    ]
    return all((change(*case) > 0) == rises(case[0], case[1] @ case[2], case[1]) for case in cases)


# --- Vanishing and exploding gradients


def chain(n=3, t=4):
    """The states of h_k = W h_{k-1}, their gradients, and the gradient with respect to W, by torch."""
    rng = draws()
    W = torch.tensor(rng.standard_normal((n, n)), requires_grad=True)
    h = [torch.tensor(rng.standard_normal(n), requires_grad=True)]
    for _ in range(t):
        h.append(W @ h[-1])
    J = h[-1] @ torch.tensor(rng.standard_normal(n))
    gradients = torch.autograd.grad(J, [W, *h])
    return W.detach().numpy(), [part.detach().numpy() for part in h], [part.numpy() for part in gradients]


@erratum("err-longterm-grad", lambda last, here: last, lambda last, here: here)
def the_gradient_through_time_is_a_sum_over_the_steps(factor):
    W, h, (grad_W, *grad_h) = chain()
    t = len(h) - 1
    terms = [
        np.linalg.matrix_power(W, t - i).T @ np.outer(factor(grad_h[t], grad_h[i]), h[i - 1]) for i in range(1, t + 1)
    ]
    return np.allclose(sum(terms), grad_W, rtol=1e-10)


@erratum("err-longterm-cI", 1, 3)
def an_outer_product_can_be_a_multiple_of_the_identity_for_n(n):
    g = np.arange(1.0, n + 1)
    return np.linalg.matrix_rank(np.outer(g, g)) == np.linalg.matrix_rank(np.eye(n))


@erratum("err-ff-no-vanish", 1.0, 0.5)
def different_matrices_keep_the_norm_of_a_signal_if_their_gain_is(gain):
    rng, h = draws(), np.ones(64)
    for _ in range(50):
        h = gain * rng.standard_normal((64, 64)) @ h / 8
    return 0.1 < np.linalg.norm(h) / 8 < 10


@erratum("err-vanish-which", 0, -1)
def the_smallest_gradient_of_a_deep_logistic_network_is_in_the_layer(which):
    net, x = mlp(20, *[20] * 8, 3, activation=torch.sigmoid), torch.as_tensor(draws().standard_normal((30, 20)))
    theta = start(net, 1, dtype=torch.float64).requires_grad_()
    (g,) = torch.autograd.grad(cross_entropy(net(x, theta), torch.arange(30) % 3).sum(), theta)
    norms = [W.norm().item() for W, _ in net.unpack(g)]
    return norms[which] == min(norms)


@erratum("err-exploding-accumulate", "layers", "updates")
def the_gradient_of_one_backward_pass_grows_with_the_number_of(thing):
    def gradient(layers, updates):
        w = torch.full((layers,), 1.5, dtype=torch.float64)
        for _ in range(updates):
            (g,) = torch.autograd.grad(w.requires_grad_().prod(), w)
            w = (w - 1e-9 * g).detach()
        return g[0].item()

    few, many = {"layers": ((5, 1), (20, 1)), "updates": ((5, 1), (5, 20))}[thing]
    return gradient(*many) > 100 * gradient(*few)


# --- Depth and shortcuts


@erratum("err-densenet-x3", lambda x, f1, f2: [x, f1(x), f2([x, f1(x)])], lambda x, f1, f2: [x, f1(x)])
def the_third_state_of_a_dense_network_concatenates_three_parts(third):
    def f1(x):
        return ("f1", x)

    def f2(parts):
        return ("f2", *parts)

    parts = ["x"]
    for f in (lambda parts: f1(*parts), f2):
        parts = [*parts, f(parts)]
    return third("x", f1, f2) == parts


@number("err-saddle-independence")
def a_minimum_along_both_axes_can_be_a_saddle():
    H = np.array([[2.0, -3.0], [-3.0, 2.0]])
    assert (np.diag(H) > 0).all() and by_eigenvalues(H)


@number("err-saddle-independence")
def a_positive_diagonal_does_not_make_a_minimum():
    H = random_hessian(draws(), 3, 100_000)
    bowls = H[(np.einsum("nii->ni", H) > 0).all(axis=1)]
    assert (np.linalg.eigvalsh(bowls)[:, 0] > 0).mean() == pytest.approx(0.199, abs=0.01)


@number("err-degradation-cause")
def normalized_plain_networks_do_not_lose_their_gradient_at_the_start():
    """Their degradation is not a vanished gradient: that of the first layer is not the smallest."""
    net = blocks(20, 32, 15, 3, shortcut=False)
    x = torch.as_tensor(draws().standard_normal((64, 20)))
    theta = start(net, 1, dtype=torch.float64).requires_grad_()
    (g,) = torch.autograd.grad(cross_entropy(net(x, theta), torch.arange(64) % 3).sum(), theta)
    norms = [W.norm().item() for W, _ in net.unpack(g)]
    assert norms[0] > norms[-2]

"""The update rules: one table against torch, the place of epsilon in closed form, then theorems."""

from functools import partial

import array_api_strict
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from oracles import IDS, RULES, TABLE, run

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
    rmsprop_momentum,
    sgd,
    unified,
)

ADAPTIVE = [adagrad, rmsprop, rmsprop_momentum, adadelta, adam, nadam, adamw]
settings.register_profile("rules", derandomize=True, deadline=None)
settings.load_profile("rules")

# --- Oracle: torch.optim over several parameters ---

SHAPES = [(3, 2), (3,), (1, 3), (1,)]
SIZES = [6, 3, 3, 1]


def parameters(theta):
    return [part.reshape(shape) for part, shape in zip(theta.split(SIZES), SHAPES, strict=True)]


def quadratic(W, b, V, c):
    x = torch.cat([p.reshape(-1) for p in (W, b, V, c)])
    return ((x - 1) ** 2 * torch.arange(1, 14)).sum() / 20 + (x[1:] * x[:-1]).sum() / 50


def network(W, b, V, c):
    x = torch.linspace(-1, 1, 10, dtype=torch.float64).reshape(5, 2)
    y = torch.sin(3 * x[:, :1])
    return ((torch.tanh(x @ W.T + b) @ V.T + c - y) ** 2).mean()


def start():
    return torch.as_tensor(np.random.default_rng(0).normal(size=sum(SIZES)))


def our_iterates(loss, rule, constants, steps):
    def grad(theta):
        theta = torch.tensor(theta, requires_grad=True)
        return torch.autograd.grad(loss(*parameters(theta)), theta)[0].numpy()

    return np.array(list(trajectory(rule, grad, start().numpy(), steps, **constants)))


def torch_iterates(loss, optimizer, constants, steps):
    params = [p.clone().requires_grad_() for p in parameters(start())]
    optimizer = getattr(torch.optim, optimizer)(params, **constants)
    yield start().numpy()
    for _ in range(steps):
        optimizer.zero_grad()
        loss(*params).backward()
        optimizer.step()
        yield torch.cat([p.detach().reshape(-1) for p in params]).numpy()


@pytest.fixture
def double():
    """torch counts in the default precision: without this, NAdam rounds its product of factors to float32."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("loss", [quadratic, network])
@pytest.mark.parametrize(("rule", "constants", "oracle", "oracle_constants"), TABLE, ids=IDS)
def test_rule_equals_torch(rule, constants, oracle, oracle_constants, loss, double):
    ours = our_iterates(loss, rule, constants, 50)
    theirs = np.array(list(torch_iterates(loss, oracle, oracle_constants, 50)))
    if rule is nesterov:
        ours[1:] += constants["rho"] * np.diff(ours, axis=0)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("rule", "oracle", "same"), [
    (adagrad, "Adagrad", ["lr", "eps"]),
    (rmsprop, "RMSprop", ["eps"]),
    (adadelta, "Adadelta", ["lr", "eps", ("beta", "rho")]),
    (adam, "Adam", ["lr", "eps"]),
    (nadam, "NAdam", ["lr", "eps", "momentum_decay"]),
    (adamw, "AdamW", ["lr", "eps"]),
])  # fmt: skip
def test_default_constants_are_those_of_torch(rule, oracle, same):
    ours = signature(rule).constants
    theirs = getattr(torch.optim, oracle)([torch.zeros(1)]).defaults
    for key in same:
        ours_key, theirs_key = (key, key) if isinstance(key, str) else key
        assert ours[ours_key] == theirs[theirs_key]
    assert (ours.get("beta1"), ours.get("beta2")) == theirs.get("betas", (None, None))
    assert attribute(rule, "decay", 0) == theirs["weight_decay"]


# --- The place of epsilon, in closed form with a large one: sqrt(3^2 + 16) = 5 ---


@pytest.mark.parametrize(("rule", "constants"), [
    (adagrad, {}), (rmsprop, dict(beta=0)), (rmsprop_momentum, dict(beta=0)),
    (adam, {}), (adamw, {}), (nadam, dict(beta1=0)),
])  # fmt: skip
def test_epsilon_stands_inside_the_root(rule, constants):
    assert rule(3.0, lr=1.0, eps=16.0, **constants)[0] == pytest.approx(-3 / 5, rel=1e-12)


def test_epsilon_stands_inside_both_roots_of_adadelta():
    delta, *state = adadelta(3.0, beta=0, eps=16.0)
    assert delta == pytest.approx(-4 / 5 * 3)
    assert adadelta(3.0, *state, beta=0, eps=16.0)[0] == pytest.approx(-((delta**2 + 16) ** 0.5) / 5 * 3)


def test_epsilon_stays_out_of_the_states():
    for rule in ADAPTIVE:
        small, large = rule(3.0, eps=1e-8)[1:], rule(3.0, eps=16.0)[1:]
        kept = [key for key in signature(rule).states if key not in ("v", "X")]
        states = dict(zip(signature(rule).states, zip(small, large, strict=True), strict=True))
        assert all(states[key][0] == states[key][1] for key in kept)


# --- Any array, any number of replicas ---


def tilted(theta):
    return 3 * theta * theta - theta - 0.5


STARTS = [[0.9, -0.3, 0.4], [0.2, 0.7, -0.1]]
LIBRARIES = {
    "numpy": np.array,
    "torch": partial(torch.tensor, dtype=torch.float64),
    "array_api_strict": array_api_strict.asarray,
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_every_array_library_gives_the_numbers_of_floats(rule, library):
    *_, last = trajectory(rule, tilted, LIBRARIES[library](STARTS), 20, lr=0.02)
    assert type(last) is type(LIBRARIES[library](STARTS))
    on_floats = [[list(trajectory(rule, tilted, x, 20, lr=0.02))[-1] for x in row] for row in STARTS]
    assert all(type(x) is float for row in on_floats for x in row)
    np.testing.assert_allclose(np.asarray(last), on_floats, rtol=1e-12)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_each_replica_follows_its_own_run_under_its_own_constants(rule, library):
    array = LIBRARIES[library]
    columns = {
        key: [[value], [0.6 * value]] for key, value in signature(rule).constants.items() if key != "momentum_decay"
    }
    columns["decay"] = [[0.1], [0.0]]
    given = {key: array(column) for key, column in columns.items()}
    both = [np.asarray(theta) for theta in trajectory(rule, tilted, array(STARTS), 20, **given)]
    for r in range(2):
        alone = {key: column[r][0] for key, column in columns.items()}
        own = list(trajectory(rule, tilted, np.array(STARTS[r]), 20, **alone))
        np.testing.assert_allclose([theta[r] for theta in both], own, rtol=1e-12)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_single_precision_stays_single(rule):
    for theta in (np.ones(3, np.float32), torch.ones(3)):
        *_, last = trajectory(rule, tilted, theta, 3)
        assert last.dtype == theta.dtype


# --- Theorems: momentum ---


def gradients(steps, seed=0):
    return np.random.default_rng(seed).normal(size=steps)


def test_momentum_is_an_exponential_moving_average_of_gradients_scaled_by_lr_over_one_minus_rho():
    lr, rho, average = 0.1, 0.8, 0.0
    for g, delta in zip(gradients(30), run(momentum, gradients(30), lr=lr, rho=rho)[0], strict=True):
        average = rho * average + (1 - rho) * (-lr / (1 - rho) * g)
        assert delta == pytest.approx(average, rel=1e-12)


def test_momentum_is_the_weighted_sum_of_all_gradients():
    lr, rho, g = 0.1, 0.8, gradients(30)
    weights = -lr * rho ** np.arange(30)[::-1]
    assert run(momentum, g, lr=lr, rho=rho)[0][-1] == pytest.approx(weights @ g, rel=1e-12)


def test_momentum_multiplies_a_constant_gradient_by_at_most_one_over_one_minus_rho():
    delta = run(momentum, [1.0] * 200, lr=0.1, rho=0.9)[0]
    assert (np.diff(delta) <= 0).all()
    assert delta[-1] == pytest.approx(-0.1 / (1 - 0.9), rel=1e-8)


def spectral_radius(rule, curvature, **constants):
    """Of the linear map (theta, v) -> (theta, v) that one step on a parabola is."""

    def step(theta, v):
        ahead = rule.lookahead(v, **constants) if hasattr(rule, "lookahead") else 0
        delta, v = rule(curvature * (theta + ahead), v, **constants)
        return theta + delta, v

    return max(abs(np.linalg.eigvals(np.transpose([step(1.0, 0.0), step(0.0, 1.0)]))))


LIMITS = {sgd: lambda rho: 2, momentum: lambda rho: 2 + 2 * rho, nesterov: lambda rho: (2 + 2 * rho) / (1 + 2 * rho)}


@pytest.mark.parametrize("rho", [0, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("rule", [momentum, nesterov], ids=lambda rule: rule.__name__)
def test_momentum_is_stable_iff_lr_times_curvature_is_between_zero_and_its_limit(rule, rho):
    limit = LIMITS[rule](rho)
    for product in np.array([1e-6, 0.3, 0.7, 1 - 1e-6]) * limit:
        assert spectral_radius(rule, 4.0, lr=product / 4, rho=rho) < 1
    for product in [-1e-6, (1 + 1e-6) * limit, 2 * limit]:
        assert spectral_radius(rule, np.sign(product) * 4.0, lr=abs(product) / 4, rho=rho) > 1


@pytest.mark.parametrize(("rule", "rho"), [(sgd, 0), (momentum, 0.9), (nesterov, 0.9)])
def test_iterates_shrink_below_the_stability_limit_and_grow_above_it(rule, rho):
    constants = {} if rule is sgd else {"rho": rho}
    for factor, shrinks in [(0.98, True), (1.02, False)]:
        lr = factor * LIMITS[rule](rho) / 4
        path = np.abs(list(trajectory(rule, lambda theta: 4 * theta, 1.0, 2000, lr=lr, **constants)))
        assert (path[-1] < 1e-6) == shrinks and (path[-1] > 1e6) != shrinks


def test_nesterov_gradient_is_that_of_momentum_plus_the_curvature_times_the_velocity():
    A, theta, v, rho = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([1.0, -2.0]), np.array([0.5, 0.25]), 0.9
    ahead = theta + nesterov.lookahead(v, rho=rho)
    np.testing.assert_allclose(A @ ahead, A @ theta + rho * A @ v, rtol=1e-12)


def test_momentum_and_nesterov_without_rho_are_gradient_descent():
    for rule in (momentum, nesterov):
        plain = list(trajectory(sgd, tilted, 0.9, 20, lr=0.05))
        assert list(trajectory(rule, tilted, 0.9, 20, lr=0.05, rho=0)) == plain


def test_the_rate_is_inside_the_velocity():
    falling = [0.1, 0.0]
    assert momentum(1.0, momentum(1.0, lr=falling[0])[1], lr=falling[1])[0] == pytest.approx(-0.09)


# --- Theorems: adaptive rates ---


def test_adagrad_rate_never_rises_and_that_of_rmsprop_does():
    g = gradients(50) / np.arange(1, 51)
    assert (np.diff(run(adagrad, g)[0] / -g) <= 0).all()
    assert (np.diff(run(rmsprop, g)[0] / -g) > 0).any()


def test_adagrad_step_on_a_constant_gradient_falls_as_one_over_root_t():
    delta = run(adagrad, [-3.0] * 40, lr=0.1, eps=0)[0]
    np.testing.assert_allclose(delta, 0.1 / np.sqrt(np.arange(1, 41)), rtol=1e-12)


def test_the_recursive_average_of_squares_equals_the_unrolled_sum():
    beta, g = 0.7, gradients(20)
    for t in range(20):
        unrolled = (1 - beta) * sum(beta ** (t - tau) * g[tau] ** 2 for tau in range(t + 1))
        assert run(rmsprop, g[: t + 1], beta=beta)[1][-1] == pytest.approx(unrolled, rel=1e-12)


def test_adadelta_averages_the_squares_of_its_updates():
    delta, _, X = run(adadelta, gradients(30), beta=0.8)
    expected = run(rmsprop, delta, beta=0.8)[1]
    np.testing.assert_allclose(X, expected, rtol=1e-12)


def test_adadelta_averages_updates_before_their_rate():
    plain, _, X = run(adadelta, gradients(30))
    tenth, _, X_tenth = run(adadelta, gradients(30), lr=0.1)
    np.testing.assert_allclose(tenth, 0.1 * plain, rtol=1e-12)
    np.testing.assert_array_equal(X, X_tenth)


def bowl(theta):
    return np.array([1.0, 30.0]) * theta


@pytest.mark.parametrize("c", [0.1, 10, 100])
@pytest.mark.parametrize("rule", [rule for rule in ADAPTIVE if rule is not adadelta], ids=lambda r: r.__name__)
def test_adaptive_rules_do_not_see_the_scale_of_the_loss(rule, c):
    plain, scaled = (
        list(trajectory(rule, lambda theta, k=k: k * bowl(theta), np.ones(2), 30, lr=0.01, eps=0)) for k in (1, c)
    )
    np.testing.assert_allclose(scaled, plain, rtol=1e-9)


@pytest.mark.parametrize("c", [0.1, 10, 100])
def test_adadelta_does_not_see_the_scale_of_the_loss(c):
    plain, scaled = (
        np.array(list(trajectory(adadelta, lambda theta, k=k: k * bowl(theta), np.ones(2), 30, eps=1e-8)))
        for k in (1, c)
    )
    np.testing.assert_allclose(scaled - 1, plain - 1, rtol=1e-4)


@pytest.mark.parametrize("rule", [sgd, momentum, nesterov], ids=lambda rule: rule.__name__)
def test_the_other_rules_scale_with_the_loss(rule):
    assert rule(10.0)[0] == pytest.approx(10 * rule(1.0)[0])


def test_without_momentum_rmsprop_with_momentum_is_rmsprop():
    g = gradients(30)
    np.testing.assert_array_equal(run(rmsprop_momentum, g, rho=0)[0], run(rmsprop, g)[0])


def test_rmsprop_with_momentum_applies_momentum_to_the_steps_of_rmsprop():
    steps = run(rmsprop, gradients(30), lr=0.1)[0]
    expected = run(momentum, -steps, lr=1.0, rho=0.8)[0]
    np.testing.assert_allclose(run(rmsprop_momentum, gradients(30), lr=0.1, rho=0.8)[0], expected, rtol=1e-12)


# --- Theorems: Adam ---


@pytest.mark.parametrize("rule", [adam, adamw])
def test_the_first_step_of_adam_is_lr_in_every_coordinate(rule):
    g = np.array([-1e-8, 1e-3, 1.0, -1e8])
    np.testing.assert_allclose(rule(g, lr=0.25, eps=0)[0], -0.25 * np.sign(g), rtol=1e-12)


def test_bias_correction_makes_both_moments_exact_for_a_constant_gradient():
    delta, t, M, G = run(adam, [-3.0] * 40, lr=0.1, eps=0)
    np.testing.assert_array_equal(t, np.arange(1, 41))
    np.testing.assert_allclose(M / (1 - 0.9**t), -3, rtol=1e-12)
    np.testing.assert_allclose(G / (1 - 0.999**t), 9, rtol=1e-10)
    np.testing.assert_allclose(delta, 0.1, rtol=1e-10)


@pytest.mark.parametrize(("beta1", "beta2", "factor"), [(0.9, 0.999, 10**0.5), (0.9, 0.99, 1.0), (0.5, 0.75, 1.0)])
def test_without_bias_correction_the_first_step_is_too_long_by_a_known_factor(beta1, beta2, factor):
    delta, _, M, G = adam(3.0, lr=1.0, beta1=beta1, beta2=beta2, eps=0)
    uncorrected = -M / G**0.5
    assert uncorrected / delta == pytest.approx((1 - beta1) / (1 - beta2) ** 0.5)
    assert uncorrected / delta == pytest.approx(factor)


def test_nadam_without_momentum_is_adam_without_momentum():
    g = gradients(30)
    nadams, adams = (run(rule, g, lr=0.1, beta1=0)[0] for rule in (nadam, adam))
    np.testing.assert_allclose(nadams, adams, rtol=1e-12)


def test_nadam_with_constant_momentum_mixes_the_next_average_and_the_gradient():
    beta, g = 0.8, gradients(20)
    delta, t, M, G, P = run(nadam, g, lr=0.1, beta1=beta, eps=0, momentum_decay=1e6)
    np.testing.assert_allclose(P, beta**t, rtol=1e-12)
    M_hat = beta * M / (1 - beta ** (t + 1)) + (1 - beta) * g / (1 - beta**t)
    np.testing.assert_allclose(delta, -0.1 * M_hat / (G / (1 - 0.999**t)) ** 0.5, rtol=1e-12)


def test_nadam_momentum_rises_from_about_half_of_beta1():
    P = run(nadam, [1.0] * 300)[-1]
    mu = P / np.array([1, *P[:-1]])
    assert mu[0] == pytest.approx(0.9 * (1 - 0.5 * 0.96**0.004), rel=1e-12)
    assert (np.diff(mu) > 0).all() and (mu < 0.9).all()


def test_adamw_shrinks_the_parameters_by_one_minus_lr_decay_where_the_gradient_is_zero():
    path = list(trajectory(adamw, lambda theta: 0 * theta, 2.0, 10, lr=0.1, decay=0.5))
    np.testing.assert_allclose(path, 2 * 0.95 ** np.arange(11), rtol=1e-12)


def test_adamw_without_decay_is_adam():
    assert list(trajectory(adamw, tilted, 0.9, 20, decay=0)) == list(trajectory(adam, tilted, 0.9, 20))


def test_adamw_decay_is_not_divided_by_the_root_and_that_of_l2_in_adam_is():
    def last(rule, k, decay, penalty):
        *_, theta = trajectory(rule, lambda x: k * np.sign(x) + penalty * x, 1.0, 1, lr=0.1, decay=decay, eps=0)
        return theta

    assert last(adamw, 100, 0.5, 0) == pytest.approx(1 - 0.1 * 0.5 - 0.1)
    assert last(adam, 100, 0, 0.5) == pytest.approx(1 - 0.1)


# --- Theorems: the unified form ---


def weighted(beta, power, scale=1.0):
    """The function history -> scale * sum over tau of beta^(t - tau) g_tau^power."""
    return lambda g: scale * (beta ** np.arange(len(g))[::-1] @ g**power)


def corrected(beta, power):
    """The moving average of g^power without the shrinkage of its start at zero."""
    return lambda g: weighted(beta, power, (1 - beta) / (1 - beta ** len(g)))(g)


def newest(g):
    return g[-1]


@pytest.mark.parametrize(("rule", "phi", "psi"), [
    (sgd, newest, lambda g: 1.0),
    (momentum, weighted(0.9, 1), lambda g: 1.0),
    (adagrad, newest, weighted(1.0, 2)),
    (rmsprop, newest, weighted(0.9, 2, 0.1)),
    (adam, corrected(0.9, 1), corrected(0.999, 2)),
])  # fmt: skip
def test_the_unified_form_contains_the_rule(rule, phi, psi):
    g = np.random.default_rng(0).normal(size=(20, 3))
    eps = {"eps": 0.5} if "eps" in signature(rule).constants else {}
    expected = [unified(g[: t + 1], phi, psi, lr=0.1, **eps) for t in range(20)]
    np.testing.assert_allclose(run(rule, g, lr=0.1, **eps)[0], expected, rtol=1e-10)


# --- Clipping ---

numbers = st.floats(-1e6, 1e6)
vectors = arrays(float, array_shapes(min_dims=1, max_dims=2, max_side=5), elements=numbers)
thresholds = st.floats(1e-3, 1e3)


@given(vectors, thresholds)
def test_clip_norm_leaves_the_direction_and_the_norm_is_at_most_b(g, b):
    clipped = clip_norm(g, b=b)
    before, after = np.linalg.norm(g, axis=-1), np.linalg.norm(clipped, axis=-1)
    np.testing.assert_allclose(after, np.minimum(before, b), rtol=1e-12)
    np.testing.assert_allclose(clipped * before[..., None], g * after[..., None], rtol=1e-9, atol=1e-200)


@given(vectors, thresholds)
def test_clip_norm_does_not_touch_what_is_short_enough(g, b):
    short = np.linalg.norm(g, axis=-1) < b * (1 - 1e-9)
    np.testing.assert_array_equal(clip_norm(g, b=b)[short], g[short])


@given(vectors, numbers, numbers)
def test_clip_value_stays_between_a_and_b_and_keeps_what_is_there(g, a, b):
    a, b = min(a, b), max(a, b)
    clipped = clip_value(g, a=a, b=b)
    assert ((a <= clipped) & (clipped <= b)).all()
    inside = (a <= g) & (g <= b)
    np.testing.assert_array_equal(clipped[inside], g[inside])
    assert (clipped[g < a] == a).all() and (clipped[g > b] == b).all()


def test_clip_value_may_turn_the_gradient():
    g = np.array([0.1, 10.0])
    clipped = clip_value(g)
    assert clipped.tolist() == [0.1, 1.0]
    assert clipped @ g / np.linalg.norm(g) / np.linalg.norm(clipped) == pytest.approx(0.996, abs=5e-4)


@pytest.mark.parametrize("library", LIBRARIES)
def test_clipping_takes_every_array_library(library):
    g = LIBRARIES[library]([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    np.testing.assert_allclose(np.asarray(clip_norm(g)), [[0.6, 0.8], [0.3, 0.4], [0, 0]], rtol=1e-12)
    np.testing.assert_allclose(np.asarray(clip_value(g, a=-0.5, b=3)), [[3, 3], [0.3, 0.4], [0, 0]], rtol=1e-12)
    assert type(clip_norm(g)) is type(clip_value(g)) is type(g)


def test_clipping_takes_numbers_lists_and_single_precision():
    assert (clip_norm(-3.0, b=2), clip_norm(1.5, b=2), clip_value(-3.0), clip_norm(0.0)) == (-2, 1.5, -1, 0)
    np.testing.assert_allclose(clip_norm([3.0, 4.0]), [0.6, 0.8], rtol=1e-12)
    assert clip_norm(torch.tensor(-3.0)) == -1
    assert clip_norm(np.ones(3, np.float32)).dtype == np.float32
    assert clip_norm(torch.ones(3)).dtype == torch.float32


def test_clip_norm_takes_gradients_whose_squares_overflow_or_vanish():
    np.testing.assert_allclose(clip_norm(np.array([3e200, 4e200]), b=5), [3, 4], rtol=1e-12)
    np.testing.assert_allclose(clip_norm(np.array([3e-200, 4e-200]), b=1e-200), [6e-201, 8e-201], rtol=1e-12)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_huge_or_diverged_replica_does_not_change_how_the_others_are_clipped(library):
    g = LIBRARIES[library]([[3e-200, 4e-200], [3.0, 4.0], [float("nan"), 1.0], [float("inf"), 1.0]])
    with np.errstate(invalid="ignore"):
        clipped = np.asarray(clip_norm(g, b=1e-200))
    np.testing.assert_allclose(clipped[:2], [[6e-201, 8e-201]] * 2, rtol=1e-12)
    assert np.isnan(clipped[2:]).all()


def test_clip_norm_equals_that_of_torch():
    g = np.random.default_rng(0).normal(size=10)
    p = torch.nn.Parameter(torch.zeros(10, dtype=torch.float64))
    p.grad = torch.tensor(1e6 * g)
    torch.nn.utils.clip_grad_norm_([p], 2.0)
    np.testing.assert_allclose(clip_norm(1e6 * g, b=2.0), p.grad, rtol=1e-11)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: clip_value(1.0, a=2, b=1), "clip_value: expected a <= b, got a=2, b=1"),
    (lambda: clip_value(1.0, a=float("nan")), "a=nan"),
    (lambda: clip_norm(np.ones(2), b=0), "clip_norm: expected a threshold b > 0, got b=0"),
    (lambda: clip_norm(np.ones(2), b=-1.0), "b=-1.0"),
    (lambda: clip_norm(np.ones(2), b=float("nan")), "b=nan"),
])  # fmt: skip
def test_a_wrong_threshold_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_huge_replica_does_not_change_how_the_others_are_clipped():
    g = np.array([[3.0, 4.0], [1e300, 0.0], [1e30, 1e30], [0.1, 0.1], [0.0, 0.0]])
    np.testing.assert_allclose(clip_norm(g, b=1.0), [clip_norm(row, b=1.0) for row in g], rtol=1e-15)
    np.testing.assert_allclose(clip_norm(g, b=1.0)[2], [0.5**0.5, 0.5**0.5])

"""Misprints of the source texts on searching, put back one by one: each theorem holds for the right form alone."""

from functools import cache, partial
from math import ceil, log2

import numpy as np
from misprints import draws, erratum, number

from nndl_lib.hpo import (
    confidence_bound,
    expected_improvement,
    rbf,
    squared_distances,
    successive_halving,
)
from nndl_lib.hpo.space import levels


def _sizes(rounds, half, N):
    sizes = [N]
    for _ in range(rounds(N)):
        sizes.append(half(sizes[-1]))
    return sizes


def _library_sizes(N):
    batches = successive_halving({"x": (0.0, 1.0)}, trials=N, budget=100 * N)
    sizes, batch = [], next(batches, [None])
    while True:
        sizes.append(len(batch))
        try:
            batch = batches.send(list(range(len(batch))))
        except StopIteration:
            return [*sizes, ceil(sizes[-1] / 2)]


@erratum(
    "err-sh-rounds",
    _library_sizes,
    partial(_sizes, lambda N: ceil(log2(N)) - 1, lambda m: m // 2),
)
def halving_ends_with_one_configuration(sizes):
    return all(sizes(N)[-1] == 1 for N in range(2, 65))


@erratum(
    "err-sh-rounds",
    _library_sizes,
    partial(_sizes, lambda N: ceil(log2(N)), lambda m: m // 2),
)
def halving_never_empties_the_set(sizes):
    return all(min(sizes(N)) >= 1 for N in range(2, 65))


def _survivors(overwritten):
    """S_0, S_1, ... of the dry run with the losses n of 8 configurations."""
    S = {0: list(range(8))}
    start = 1 if overwritten else 0
    for t in range(start, start + 3):
        kept = S.get(t, [])
        S[t if overwritten else t + 1] = kept[: ceil(len(kept) / 2)]
    return S


@erratum("err-sh-indices", partial(_survivors, False), partial(_survivors, True))
def the_last_set_holds_the_best(survivors):
    return survivors()[max(survivors())] == [0]


@erratum(
    "err-gp-ucb-min",
    lambda mu, sigma: confidence_bound(mu, sigma, kappa=2.0),
    lambda mu, sigma: mu + 2 * sigma,
)
def the_bound_prefers_the_lower_error_of_two_equally_certain(bound):
    return np.argmax(bound(np.array([0.2, 0.9]), np.array([0.1, 0.1]))) == 0


@erratum(
    "err-acquisition-purpose",
    expected_improvement,
    lambda mu, sigma, best: sigma,
)
def the_acquisition_looks_for_the_minimum_not_for_what_is_least_known(a):
    return a(-0.5, 0.2, 0.0) > a(1.0, 1.0, 0.0)


@erratum(
    "err-ei-direction",
    expected_improvement,
    lambda mu, sigma, best: expected_improvement(-mu, sigma, -best),
)
def improvement_is_what_a_loss_lies_below_the_best(a):
    y = draws().normal(0.3, 0.5, size=400_000)
    return abs(a(0.3, 0.5, 0.1) - np.maximum(0.1 - y, 0).mean()) < 0.003


@erratum("err-alg11-empty", 3, 0)
def the_acquisition_can_tell_two_candidates_apart_after_initial_trials(initial):
    """The least loss of an empty history is at best infinite, and with it the expected improvement everywhere."""
    losses = (np.linspace(0, 1, initial) - 0.3) ** 2
    a = expected_improvement(np.array([0.1, 0.9]), 0.2, min(losses, default=np.inf))
    return bool(a[0] > a[1])


@erratum("err-alg11-output", lambda H, pair: H.union([pair]), lambda H, pair: H.union(pair))
def the_history_stays_a_set_of_pairs(united):
    return all(np.shape(element) == (2,) for element in united({(0.1, 0.5)}, (0.7, 0.2)))


@erratum(
    "err-grid-spacing",
    lambda points: levels((1e-4, 1.0, "log"), points),
    lambda points: list(np.linspace(1e-4, 1.0, points)),
)
def a_grid_of_rates_tries_every_order_of_magnitude(grid):
    return set(np.floor(np.log10(grid(9)) + 1e-9)) == {-4, -3, -2, -1, 0}


def _ridge():
    """Weights of ridge regression and their development loss as functions of lambda, and the matrices behind them."""
    rng = draws()
    x, x_dev, w0 = rng.normal(size=(30, 4)), rng.normal(size=(30, 4)), rng.normal(size=4)
    y, y_dev = x @ w0 + rng.normal(size=30), x_dev @ w0 + rng.normal(size=30)

    def w(lam):
        return np.linalg.solve(x.T @ x + lam * np.eye(4), x.T @ y)

    def loss(lam):
        return 0.5 * ((x_dev @ w(lam) - y_dev) ** 2).sum()

    def slope(lam):
        return -(x_dev @ w(lam) - y_dev) @ x_dev @ np.linalg.solve(x.T @ x + lam * np.eye(4), w(lam))

    return loss, slope


@erratum("err-hpo-no-gradient", _ridge()[1], lambda lam: 0.0)
def the_development_loss_has_a_gradient_in_lambda(slope):
    loss, step = _ridge()[0], 1e-4
    return abs(slope(2.0) - (loss(2.0 + step) - loss(2.0 - step)) / (2 * step)) < 1e-6


@number("err-sh-rounds")
def one_round_less_leaves_two_configurations_exactly_for_powers_of_two():
    sizes = {N: _sizes(lambda N: ceil(log2(N)) - 1, lambda m: m // 2, N)[-1] for N in range(2, 200)}
    assert {N: left for N, left in sizes.items() if left != 1} == {2**k: 2 for k in range(1, 8)}
    assert all(_sizes(lambda N: ceil(log2(N)) - 1, lambda m: ceil(m / 2), N)[-1] == 2 for N in range(2, 200))


@erratum("err-gp-cubic-dimension", lambda N, K: N, lambda N, K: K)
def the_matrix_to_be_inverted_has_the_order(order):
    shapes = [(30, 2), (30, 50), (60, 2)]
    return all(rbf(squared_distances(X, X))[0].shape == 2 * (order(*X.shape),) for X in map(draws().random, shapes))


@cache
def _play(c, plays=1000, pulls=500):
    """Mean regret, and how often a wrong arm is named, of the rule that pulls the arm of least lower bound."""
    rng, means, each = draws(), np.array([0.0] + 7 * [0.5]), np.arange(plays)
    n, sums, regret = np.ones((plays, 8)), means + rng.normal(size=(plays, 8)), means.sum()
    for t in range(8, pulls):
        a = (sums / n - np.sqrt(c * np.log(t) / n)).argmin(axis=1)
        sums[each, a] += means[a] + rng.normal(size=plays)
        n[each, a] += 1
        regret += means[a].mean()
    return {"regret": regret, "named wrongly": (sums / n).argmin(axis=1).astype(bool).mean()}


@erratum("err-best-arm-exploration", "named wrongly", "regret")
def with_more_exploration_than_the_bandit_needs_there_is_less(loss):
    assert _play(2.0)["regret"] > 1.5 * _play(0.5)["regret"]
    return bool(_play(2.0)[loss] < 0.5 * _play(0.5)[loss])

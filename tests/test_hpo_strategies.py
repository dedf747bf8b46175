"""Strategies: what they ask for, by hand, by their papers' tables, and on functions with known minima."""

from functools import partial

import numpy as np
import pytest

from nndl_lib.data import searches
from nndl_lib.hpo import (
    bayesian,
    best,
    brackets,
    confidence_bound,
    evolution,
    grid,
    hyperband,
    latin_hypercube,
    lipo,
    local_search,
    median_stopping,
    mutate,
    probability_of_improvement,
    random_search,
    rbf,
    search,
    spent,
    successive_halving,
)
from nndl_lib.hpo.controller import reinforce
from nndl_lib.hpo.problems import (
    ARCHITECTURES,
    BRANIN,
    HARTMANN6,
    architecture_error,
    branin,
    hartmann6,
    network_error,
)

SPACE = {"lr": (1e-4, 1.0, "log"), "n": (1, 4, "integer"), "f": ["a", "b"]}
LINE = {"x": (0.0, 1.0)}
ALL = {
    "grid": partial(grid, SPACE, points=3), "random": partial(random_search, SPACE, trials=12),
    "bayesian": partial(bayesian, SPACE, trials=12), "halving": partial(successive_halving, SPACE, trials=8, budget=48),
    "hyperband": partial(hyperband, SPACE, most=9),
    "median": partial(median_stopping, SPACE, trials=4, most=9, grace=2),
    "evolution": partial(evolution, SPACE, trials=12, population=5), "lipo": partial(lipo, SPACE, trials=12),
    "local": partial(local_search, {"lr": SPACE["lr"], "n": SPACE["n"]}, {"lr": 0.1, "n": 2}, trials=12),
    "reinforce": partial(reinforce, {"f": ["a", "b"], "g": [1, 2, 3]}, trials=12, batch=5),
}  # fmt: skip


@pytest.mark.parametrize("strategy", ALL.values(), ids=ALL)
def test_a_strategy_is_repeatable_and_survives_trials_that_all_fail(strategy):
    def f(config, budget=1):
        return len(str(config)) / budget

    assert search(f, strategy) == search(f, strategy)

    def bad(config, budget=1):
        raise RuntimeError

    failed = search(bad, strategy)
    assert failed and all(trial.loss == np.inf for trial in failed)


@pytest.mark.parametrize("strategy", [ALL[name] for name in ("random", "halving", "hyperband", "evolution", "lipo")])
def test_another_seed_asks_for_other_configurations(strategy):
    def f(config, budget=1):
        return config["lr"]

    assert search(f, strategy)[0] != search(f, partial(strategy, seed=1))[0]


def test_grid_is_the_product_of_the_levels():
    configs = [trial.config for trial in search(lambda config: 0.0, partial(grid, SPACE, points=3))]
    assert len(configs) == 3 * 3 * 2
    assert {config["n"] for config in configs} == {1, 2, 4}
    np.testing.assert_allclose(sorted({config["lr"] for config in configs}), [1e-4, 1e-2, 1])


def test_successive_halving_by_hand():
    """Five configurations of quality 1 ... 5, budget 60: T = 3 rounds of 20, for 5, 3 and 2 survivors."""
    names = iter([3, 1, 5, 2, 4])
    values = {}

    def f(config, budget):
        return values.setdefault(config["x"], next(names, None))

    trials = search(f, partial(successive_halving, LINE, trials=5, budget=60))
    assert [(trial.loss, trial.budget) for trial in trials] == [
        (3, 4), (1, 4), (5, 4), (2, 4), (4, 4), (1, 10), (2, 10), (3, 10), (1, 20), (2, 20),
    ]  # fmt: skip
    assert spent(trials)[-1] == 20 + 18 + 20 and best(trials).loss == 1


@pytest.mark.parametrize("N", range(1, 70))
def test_successive_halving_ends_with_one_survivor_and_within_its_budget(N):
    batches = successive_halving(LINE, trials=N, budget=7 * N * 7)
    left, batch, total, before = N, next(batches, None), 0, 0
    while batch is not None:
        assert len(batch) == left
        total, before = total + len(batch) * (batch[0][1] - before), batch[0][1]
        try:
            batch, left = batches.send(list(range(left))), -(-left // 2)
        except StopIteration:
            batch, left = None, -(-left // 2)
    assert left == 1 and total <= 7 * N * 7


def test_hyperband_s_brackets_are_those_of_the_paper():
    assert brackets(most=81, eta=3) == [(81, 1, 4), (34, 3, 3), (15, 9, 2), (8, 27, 1), (5, 81, 0)]
    trials = search(lambda config, budget: config["x"], partial(hyperband, LINE, most=81, eta=3))
    rounds, start = [], 0
    for i in range(1, len(trials) + 1):
        if i == len(trials) or trials[i].budget != trials[start].budget:
            rounds.append((i - start, trials[start].budget))
            start = i
    assert rounds == [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81), (34, 3), (11, 9), (3, 27), (1, 81), (15, 9), (5, 27),
                      (1, 81), (8, 27), (2 + 5, 81)]  # fmt: skip


def test_median_stopping_stops_only_what_is_worse_than_the_finished():
    curves = {0: [4, 4, 4, 4], 1: [5, 5, 5, 5], 2: [9, 3, 9, 9], 3: [4, 4, 4, 1]}
    seen = {}

    def f(config, budget):
        return curves[seen.setdefault(config["x"], len(seen))][budget - 1]

    trials = search(f, partial(median_stopping, LINE, trials=4, most=4, grace=2))
    assert [trial.budget for trial in trials] == [1, 2, 3, 4, 1, 2, 1, 2, 3, 4, 1, 2, 3, 4]


def test_evolution_mutates_one_hyper_parameter_and_finds_a_needle():
    space = {str(i): list("abcd") for i in range(5)}
    rng = np.random.default_rng(0)
    config = {name: "a" for name in space}
    for _ in range(50):
        child = mutate(rng, space, config)
        assert sum(child[name] != config[name] for name in space) == 1

    def distance(config):
        return sum(value != "d" for value in config.values())

    assert best(search(distance, partial(evolution, space, trials=150))).loss == 0
    assert best(search(distance, partial(random_search, space, trials=150))).loss > 0


def test_evolution_lets_the_oldest_die():
    """With one member the child replaces its parent whether it is better or not."""
    space, seen = {"x": list(range(50))}, []
    search(lambda config: seen.append(config["x"]) or config["x"], partial(evolution, space, trials=30, population=1))
    assert any(b > a for a, b in zip(seen, seen[1:], strict=False))
    assert all(a != b for a, b in zip(seen, seen[1:], strict=False))


def test_mutation_of_a_space_with_one_value_is_that_value():
    assert mutate(np.random.default_rng(0), {"x": [1]}, {"x": 1}) == {"x": 1}


def test_lipo_tries_no_point_that_cannot_be_better():
    """On |x - 0.3| the slope is 1, and after two values the bound excludes what lies far from the minimum."""
    trials = search(lambda config: abs(config["x"] - 0.3), partial(lipo, LINE, trials=40, explore=0.0))
    x, y = np.array([t.config["x"] for t in trials]), np.array([t.loss for t in trials])
    for n in range(2, 40):
        k = (np.abs(y[:n, None] - y[:n]) / (np.abs(x[:n, None] - x[:n]) + np.eye(n))).max()
        assert (y[:n] - k * np.abs(x[:n] - x[n])).max() <= y[:n].min() + 0.01
    assert y.min() < 0.002


def test_local_search_finds_the_minimum_next_to_its_start():
    for start, minimum in (({"x": 9.0, "y": 3.0}, (9.42478, 2.475)), ({"x": -3.0, "y": 12.0}, (-np.pi, 12.275))):
        found = best(search(branin, partial(local_search, BRANIN, start, trials=60)))
        assert found.loss == pytest.approx(branin.minimum, abs=1e-4)
        np.testing.assert_allclose([found.config["x"], found.config["y"]], minimum, atol=0.05)


def test_bayesian_optimization_beats_random_search_tenfold_on_branin():
    for constants in ({}, {"kernel": rbf}, {"acquisition": confidence_bound}, {"batch": 4}):
        regret = {
            strategy: np.median([best(search(branin, partial(strategy, BRANIN, trials=30, seed=seed, **given))).loss
                                 for seed in range(10)]) - branin.minimum
            for strategy, given in ((bayesian, constants), (random_search, {}))
        }  # fmt: skip
        assert regret[bayesian] < 0.1 * regret[random_search]


def test_bayesian_optimization_on_integers_choices_and_failures():
    def f(config):
        if config["n"] == 1:
            raise ValueError
        return (np.log10(config["lr"]) + 2) ** 2 + (config["n"] - 3) ** 2 + (config["f"] == "a")

    trials = search(f, partial(bayesian, SPACE, trials=30, acquisition=probability_of_improvement))
    assert best(trials).config["n"] == 3 and best(trials).config["f"] == "b" and best(trials).loss < 0.3


def test_a_latin_hypercube_has_one_point_in_each_slice():
    U = latin_hypercube(np.random.default_rng(0), 8, 3)
    np.testing.assert_array_equal(np.sort((U * 8).astype(int), axis=0), np.arange(8)[:, None].repeat(3, axis=1))


def test_reinforce_learns_which_choices_bring_little_loss():
    def f(config):
        return sum(config[name] != "64 tanh" for name in config)

    trials = search(f, partial(reinforce, ARCHITECTURES, trials=400, lr=0.03))
    assert np.mean([t.loss for t in trials[-50:]]) < 0.5 < 2.4 < np.mean([t.loss for t in trials[:20]])


@pytest.mark.parametrize(("f", "at", "space"), [
    (branin, [(-np.pi, 12.275), (np.pi, 2.275), (3 * np.pi, 2.475)], BRANIN),
    (hartmann6, [(0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)], HARTMANN6),
])  # fmt: skip
def test_the_minima_of_the_test_functions(f, at, space):
    for point in at:
        config = dict(zip(space, point, strict=True))
        assert f(config) == pytest.approx(f.minimum, abs=1e-6)
        for name in space:
            assert f(config | {name: config[name] + 0.01}) > f.minimum < f(config | {name: config[name] - 0.01})


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        (partial(grid, SPACE, points=1), "grid: points=1, expected an integer >= 2"),
        (partial(random_search, SPACE, trials=0), "trials=0"),
        (partial(random_search, {}, trials=1), "expected a dict"),
        (partial(successive_halving, LINE, trials=8, budget=23), "budget=23, expected an integer >= 24"),
        (partial(hyperband, LINE, eta=1), "eta=1, expected an integer >= 2"),
        (partial(hyperband, LINE, most=0), "most=0"),
        (partial(median_stopping, LINE, grace=0), "grace=0"),
        (partial(evolution, LINE, population=0), "population=0"),
        (partial(bayesian, LINE, batch=0), "batch=0"),
        (partial(lipo, LINE, trials=1.5), "trials=1.5"),
        (partial(local_search, SPACE, {"lr": 0.1, "n": 2, "f": "a"}), "f is a choice"),
        (partial(local_search, LINE, {"x": 2.0}), "x=2.0, expected a value of"),
        (partial(local_search, LINE, {"y": 2.0}), "names"),
        (partial(reinforce, LINE), "x: .* expected a list of choices"),
    ],
)
def test_bad_input_is_named(strategy, message):
    with pytest.raises((TypeError, ValueError), match=message):
        search(lambda config, budget=1: 0.0, strategy)


NETWORK = {"lr": 0.5, "width": 64, "l2": 1e-4, "batch": 16}


def test_the_tables_are_looked_up_at_the_nearest_network():
    table = searches()
    error = table.wrong[6, 4, 1, 0, 2, 81] / table.sizes[1:]
    near = {"lr": 0.6, "width": 50, "l2": 2e-4, "batch": 20}
    for config in (NETWORK, near):
        assert network_error(config, seed=2) == error[0]
        assert network_error(config, seed=2, part="test") == error[1]
    mean = table.wrong[6, 4, 1, 0, :, 9, 0].mean() / table.sizes[1]
    assert network_error(NETWORK, 9, seed=None) == pytest.approx(mean)
    row = list(table.architectures).index("64 relu,16 tanh")
    stored = table.final[row, 1, 0] / table.sizes[1]
    for config in ({"1": "64 relu", "2": "16 tanh", "3": ""}, {"1": "64 relu", "2": "", "3": "16 tanh"}):
        assert architecture_error(config, seed=1) == stored


@pytest.mark.parametrize(
    ("f", "config", "given", "message"),
    [
        (network_error, NETWORK | {"lr": 8.0}, {}, "lr=8.0"),
        (network_error, NETWORK, {"budget": 82}, "budget=82, expected an integer from 0 to 81"),
        (network_error, NETWORK, {"seed": 5}, "seed=5"),
        (network_error, NETWORK, {"part": "training"}, "part='training'"),
        (architecture_error, {"1": "64 cos", "2": "", "3": ""}, {}, "64 cos"),
    ],
)
def test_what_no_table_has_is_named(f, config, given, message):
    with pytest.raises(ValueError, match=message):
        f(config, **given)

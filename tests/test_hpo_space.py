"""Search spaces: the unit cube and back, and what is no space."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nndl_lib.hpo import check_config, check_space, decode, encode, sample
from nndl_lib.hpo.space import features, levels

SPACE = {"lr": (1e-4, 1.0, "log"), "width": (4, 64, "log", "integer"), "n": (1, 3, "integer"), "rho": (0, 0.99),
         "activation": ["relu", "tanh", None]}  # fmt: skip


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_every_point_of_the_cube_is_a_configuration_of_the_space(u):
    config = check_config(SPACE, decode(SPACE, np.array(u)))
    assert decode(SPACE, encode(SPACE, config)) == pytest.approx(config)


def test_the_ends_of_the_cube_are_the_ends_of_the_ranges():
    assert decode(SPACE, np.zeros(5)) == pytest.approx(dict(lr=1e-4, width=4, n=1, rho=0.0, activation="relu"))
    assert decode(SPACE, np.ones(5)) == pytest.approx(dict(lr=1.0, width=64, n=3, rho=0.99, activation=None))


def test_a_log_range_is_uniform_in_the_logarithm():
    rng = np.random.default_rng(0)
    lr = np.array([sample(rng, SPACE)["lr"] for _ in range(4000)])
    np.testing.assert_allclose(np.histogram(np.log10(lr), bins=4, range=(-4, 0))[0] / 4000, 0.25, atol=0.03)


def test_each_integer_and_each_choice_is_equally_probable():
    rng = np.random.default_rng(0)
    draws = [sample(rng, SPACE) for _ in range(6000)]
    for name, values in {"n": [1, 2, 3], "activation": ["relu", "tanh", None]}.items():
        for value in values:
            assert np.mean([config[name] == value for config in draws]) == pytest.approx(1 / 3, abs=0.03)


def test_levels_are_equally_spaced_on_the_range_s_scale():
    np.testing.assert_allclose(levels((1e-4, 1.0, "log"), 5), [1e-4, 1e-3, 1e-2, 1e-1, 1])
    assert levels((4, 64, "log", "integer"), 5) == [4, 8, 16, 32, 64]
    assert levels((1, 3, "integer"), 9) == [1, 2, 3]
    assert levels((0.0, 1.0), 3) == [0.0, 0.5, 1.0]
    assert levels(["a", "b"], 9) == ["a", "b"]


def test_features_round_integers_and_put_choices_at_distance_1():
    U = np.array([encode(SPACE, sample(np.random.default_rng(i), SPACE)) for i in range(40)])
    moved = U.copy()
    moved[:, 2] = np.clip(U[:, 2] + 0.1, 0, 1)  # inside the piece of the same integer
    np.testing.assert_allclose(features(SPACE, U), features(SPACE, moved))
    decoded = np.array([encode(SPACE, decode(SPACE, u)) for u in moved])
    np.testing.assert_allclose(features(SPACE, moved)[:, :4], decoded[:, :4])
    X = features({"c": ["a", "b", "c"]}, np.array([[0.1], [0.5], [0.9]]))
    np.testing.assert_allclose(np.linalg.norm(X[:, None] - X, axis=2), 1 - np.eye(3))


@pytest.mark.parametrize(
    ("space", "error", "message"),
    [
        ({}, TypeError, "expected a dict"),
        ([("lr", (0, 1))], TypeError, "expected a dict"),
        ({"lr": (1, 0)}, ValueError, "lr: the range from 1 to 0 is empty"),
        ({"lr": (1, 1)}, ValueError, "lr: the range from 1 to 1 is empty"),
        ({"lr": (0, 1, "log")}, ValueError, "lr: a log range from 0, expected low > 0"),
        ({"lr": (0, float("inf"))}, ValueError, "empty or infinite"),
        ({"lr": (float("nan"), 1)}, ValueError, "empty or infinite"),
        ({"lr": (1, 2, "logarithmic")}, ValueError, "lr: unknown flag 'logarithmic', expected 'log' or 'integer'"),
        ({"n": (0.5, 2, "integer")}, TypeError, "n: ends 0.5 and 2, expected two integers"),
        ({"lr": ("a", 2)}, TypeError, "lr: ends 'a' and 2, expected two numbers"),
        ({"lr": 0.1}, TypeError, "lr: 0.1, expected a tuple"),
        ({"f": []}, ValueError, "f: an empty list"),
        ({"f": ["a", "a"]}, ValueError, "twice"),
    ],
)
def test_what_is_no_space_is_named(space, error, message):
    with pytest.raises(error, match=message):
        check_space(space)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"lr": 2.0}, "lr=2.0, expected a value of"), ({"activation": "cos"}, "activation='cos'"), ({"x": 1}, "names")],
)
def test_a_configuration_outside_the_space_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        check_config(SPACE, decode(SPACE, np.full(5, 0.5)) | change)

"""What the drivers share: signatures of rules, checked constants, and the driver `trajectory`."""

import math
import re
from functools import partial, wraps

import numpy as np
import pytest
from oracles import RULES

from nndl_lib.descent import attribute, constants_of, name, signature, trajectory
from nndl_lib.optimizers import (
    adadelta,
    adam,
    adamw,
    momentum,
    nadam,
    nesterov,
    rmsprop,
    sgd,
)
from nndl_lib.schedules import exponential

NAN, INF = float("nan"), float("inf")


def identity(theta):
    return theta


def last(*args, **kwargs):
    *_, theta = trajectory(*args, **kwargs)
    return theta


# --- Signatures ---


def test_signature_reads_states_and_constants_in_their_order():
    states, constants = signature(adam)
    assert list(states.items()) == [("t", 0), ("M", 0), ("G", 0)]
    assert list(constants.items()) == [("lr", 1e-3), ("beta1", 0.9), ("beta2", 0.999), ("eps", 1e-8)]
    assert not signature(sgd).states


def test_signature_cannot_be_changed_by_its_readers():
    with pytest.raises(TypeError):
        signature(adam).constants["lr"] = 1


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_rule_returns_its_update_and_as_many_states_as_it_takes(rule):
    states = signature(rule).states
    delta, *state = rule(1.0)
    assert len(state) == len(states) and len(rule(1.0, *state)) == 1 + len(states)
    assert delta < 0
    assert rule(1.0, *states.values()) == rule(1.0)


def test_a_partial_of_a_rule_has_its_constants_its_name_and_its_attributes():
    quick = partial(partial(adamw, lr=0.5), beta1=0.8)
    assert signature(quick).constants["lr"] == 0.5 and name(quick) == "adamw"
    assert attribute(quick, "decay") == adamw.decay == 0.01
    assert constants_of(quick, {})[1] == 0.01
    assert attribute(adam, "decay") is None and attribute(adam, "decay", 0.0) == 0.0


@pytest.mark.parametrize("rule", RULES, ids=name)
def test_a_configured_rule_and_given_constants_make_the_same_run(rule):
    constants = {key: value for key, value in (("lr", 0.05), ("rho", 0.5)) if key in signature(rule).constants}
    given = list(trajectory(rule, math.sin, 1.0, 10, **constants))
    assert list(trajectory(partial(rule, **constants), math.sin, 1.0, 10)) == given


def test_a_wrapped_rule_keeps_its_look_ahead_and_decay():
    @wraps(nesterov)
    def wrapped(g, *state, **constants):
        return nesterov(g, *state, **constants)

    assert attribute(wrapped, "lookahead") is nesterov.lookahead
    assert list(trajectory(wrapped, math.sin, 1.0, 10)) == list(trajectory(nesterov, math.sin, 1.0, 10))


def test_rules_without_a_name_are_called_by_their_class():
    class Rule:
        def __call__(self, g, *, lr=0.1):
            return (-lr * g,)

    assert name(Rule()) == "Rule"
    assert last(Rule(), identity, 1.0, 2) == pytest.approx(0.81)


@pytest.mark.parametrize("rule", [
    lambda g, v, *, lr=0.1: (v, v),
    lambda g, v=0, *, lr: (v, v),
    lambda g, v=0, *rest: (v, v),
    lambda g, v=0, **rest: (v, v),
])  # fmt: skip
def test_states_and_constants_without_a_default_are_named(rule):
    with pytest.raises(TypeError, match=r"argument '(v|lr|rest)' needs a default"):
        trajectory(rule, identity, 1.0, 1)


@pytest.mark.parametrize("rule", ["adam", None, 3, [adam], lambda: 0])
def test_what_is_no_rule_is_named(rule):
    with pytest.raises(TypeError, match="rule: expected a function .*, got "):
        trajectory(rule, identity, 1.0, 1)


# --- Constants ---


def test_unknown_constants_are_named_with_those_that_exist():
    with pytest.raises(TypeError, match="adam has no constant 'rho'; it has lr, beta1, beta2, eps"):
        trajectory(adam, identity, 1.0, 1, rho=0.9)
    with pytest.raises(TypeError, match="<lambda> has no constant 'lr'; it has none"):
        trajectory(lambda g: (-g,), identity, 1.0, 1, lr=0.1)


@pytest.mark.parametrize(("key", "value", "expected"), [
    *((key, value, "a number >= 0") for key in ("lr", "eps", "decay") for value in (-1e-9, NAN, INF)),
    *((key, value, r"a number in \[0, 1\)") for key in ("beta1", "beta2") for value in (-1e-9, 1, 1.5, NAN)),
    *(("momentum_decay", value, "a number") for value in (NAN, INF)),
])  # fmt: skip
def test_constants_outside_their_domain_are_named(key, value, expected):
    with pytest.raises(ValueError, match=f"nadam: {key}={value!r}, expected {expected}$"):
        trajectory(nadam, identity, 1.0, 1, **{key: value})


@pytest.mark.parametrize(("rule", "key"), [(momentum, "rho"), (nesterov, "rho"), (rmsprop, "beta"), (adadelta, "beta")])
def test_fractions_are_below_one(rule, key):
    with pytest.raises(ValueError, match=rf"{rule.__name__}: {key}=1, expected a number in \[0, 1\)"):
        trajectory(rule, identity, 1.0, 1, **{key: 1})


@pytest.mark.parametrize("value", ["0.1", None, [0.1], 1j])
def test_constants_that_are_no_numbers_are_named(value):
    with pytest.raises(TypeError, match="sgd: lr=.*, expected a number >= 0"):
        trajectory(sgd, identity, 1.0, 1, lr=value)


def test_one_wrong_number_in_a_column_of_constants_is_seen():
    with pytest.raises(ValueError, match="sgd: lr="):
        trajectory(sgd, identity, np.ones((2, 3)), 1, lr=np.array([[0.1], [-0.1]]))


def test_the_least_values_of_the_domains_are_allowed():
    assert last(momentum, identity, 1.0, 3, lr=0, rho=0, decay=0) == 1.0


def test_decay_needs_a_rule_with_a_rate():
    def rule(g, *, step=0.1):
        return (-step * g,)

    for decay in (0.1, lambda t: 0.1):
        with pytest.raises(TypeError, match="rule: decay=.* shrinks theta by 1 - lr . decay, but the rule has no lr"):
            trajectory(rule, identity, 1.0, 1, decay=decay)
    assert last(rule, identity, 1.0, 1) == last(rule, identity, 1.0, 1, decay=0) == 0.9


# --- The driver ---


def test_trajectory_yields_the_start_and_each_iterate():
    assert list(trajectory(sgd, identity, 16.0, 3, lr=0.5)) == [16, 8, 4, 2]
    assert list(trajectory(sgd, identity, 16.0, 0)) == [16]
    assert list(trajectory(sgd, identity, 16.0, np.int64(1), lr=0.5)) == [16, 8]


def test_trajectory_leaves_the_start_as_it_was():
    start = np.ones(3)
    path = list(trajectory(adamw, identity, start, 3))
    assert path[0] is start and (start == 1).all()


def test_trajectories_of_one_rule_do_not_share_states():
    assert list(trajectory(adam, identity, 1.0, 5)) == list(trajectory(adam, identity, 1.0, 5))


def test_the_gradient_is_taken_once_per_step_and_at_the_look_ahead_point():
    seen = []

    def grad(theta):
        seen.append(theta)
        return 1.0

    path = list(trajectory(nesterov, grad, 0.0, 3, lr=0.1, rho=0.5))
    assert path == pytest.approx([0, -0.1, -0.25, -0.425])
    assert seen == pytest.approx([0, -0.15, -0.325])
    assert [at - theta for at, theta in zip(seen[1:], path[1:], strict=False)] == pytest.approx([-0.05, -0.075])


def test_every_constant_may_be_a_function_of_the_step_counted_from_zero():
    seen = []

    def rate(t):
        seen.append(t)
        return 0.5**t

    assert list(trajectory(sgd, lambda theta: 1.0, 0.0, 3, lr=rate)) == [0, -1, -1.5, -1.75]
    assert seen == [0, 1, 2]
    by_hand, v = 0.0, 0.0
    for t in range(5):
        v = 0.1 * t * v - 1.0
        by_hand += v
    assert last(momentum, lambda theta: 1.0, 0.0, 5, lr=1.0, rho=lambda t: 0.1 * t) == pytest.approx(by_hand)


def test_the_look_ahead_uses_the_momentum_of_its_step():
    seen = []
    list(trajectory(nesterov, lambda theta: seen.append(theta) or 1.0, 0.0, 3, lr=1.0, rho=lambda t: 0.1 * t))
    assert seen == pytest.approx([0, -1 - 0.1, -1 - 1.1 - 0.2 * 1.1])


def test_a_function_of_the_step_may_return_a_column():
    rates = np.array([[0.1], [0.2]])
    columns = last(sgd, identity, np.ones((2, 3)), 4, lr=lambda t: rates * exponential(t, lr=1.0, beta=0.5))
    for row, rate in zip(columns, rates[:, 0], strict=True):
        np.testing.assert_allclose(row, last(sgd, identity, 1.0, 4, lr=partial(exponential, lr=rate, beta=0.5)))


def test_decay_shrinks_before_the_update_by_the_rate_of_its_step():
    path = list(trajectory(sgd, lambda theta: 1.0, 1.0, 2, lr=lambda t: 0.5**t, decay=lambda t: 0.1 * (t + 1)))
    assert path[1] == pytest.approx(0.9 - 1)
    assert path[2] == pytest.approx((1 - 0.5 * 0.2) * path[1] - 0.5)


def test_decay_is_the_same_as_an_l2_penalty_for_gradient_descent_only():
    def run(rule, grad, decay):
        return last(rule, grad, 1.0, 10, lr=0.1, decay=decay)

    assert run(sgd, math.sin, 0.3) == pytest.approx(run(sgd, lambda x: math.sin(x) + 0.3 * x, 0))
    assert run(adam, math.sin, 0.3) != pytest.approx(run(adam, lambda x: math.sin(x) + 0.3 * x, 0), rel=1e-3)


def test_a_projection_takes_the_place_of_each_iterate_after_decay_and_update():
    path = list(trajectory(sgd, lambda theta: 1.0, 2.0, 3, lr=0.5, decay=0.2, project=lambda theta: max(theta, 0.5)))
    assert path == pytest.approx([2, 0.9 * 2 - 0.5, 0.9 * 1.3 - 0.5, 0.5])


def test_the_gradient_is_taken_at_the_projected_point_and_the_state_is_left_alone():
    seen = []

    def grad(theta):
        seen.append(theta)
        return 1.0

    path = list(trajectory(momentum, grad, 0.0, 3, lr=1.0, rho=0.5, project=lambda theta: max(theta, -1.2)))
    assert path == pytest.approx([0, -1, -1.2, -1.2]) and seen == pytest.approx([0, -1, -1.2])


def test_numbers_may_meet_numpy_numbers():
    assert last(sgd, np.cos, 1.0, 3) == pytest.approx(last(sgd, math.cos, 1.0, 3))


@pytest.mark.parametrize("steps", [-1, 2.0, "3", None])
def test_a_wrong_number_of_steps_is_named(steps):
    with pytest.raises(ValueError, match=f"trajectory: steps={steps!r}, expected an integer >= 0"):
        trajectory(sgd, identity, 1.0, steps)


@pytest.mark.parametrize(("theta", "g"), [
    (np.ones(3), np.ones(2)), (np.ones((2, 3)), np.ones(3)), (np.ones((2, 3)), np.ones((2, 1))),
    (np.ones(3), np.ones((1, 3))), (np.ones(3), 1.0), (1.0, np.ones(3)), (np.ones(1), np.float64(1)),
])  # fmt: skip
def test_a_gradient_of_another_shape_is_never_broadcast(theta, g):
    message = f"grad(theta) has shape {np.shape(g)}, expected {np.shape(theta)}, the shape of theta"
    with pytest.raises(ValueError, match=re.escape(message)):
        last(sgd, lambda _: g, theta, 1)


@pytest.mark.parametrize("constants", [{"lr": np.ones((3, 1))}, {"lr": lambda t: np.ones((3, 1))},
                                       {"decay": np.ones((3, 1))}])  # fmt: skip
def test_constants_never_add_replicas(constants):
    with pytest.raises(ValueError, match=r"theta after the update has shape \(3, 2\), expected \(2,\)"):
        last(sgd, identity, np.ones(2), 1, **constants)


def test_a_projection_to_another_shape_is_named():
    with pytest.raises(ValueError, match=r"theta after the update has shape \(2,\), expected \(3,\)"):
        last(sgd, identity, np.ones(3), 1, project=lambda theta: theta[:2])


@pytest.mark.parametrize("rule", [
    lambda g, *, lr=0.1: -lr * g,
    lambda g, v=0, *, lr=0.1: v - lr * g,
    lambda g, v=0, *, lr=0.1: (v - lr * g,),
    lambda g, v=0, *, lr=0.1: (v, v, v),
])  # fmt: skip
def test_a_rule_that_returns_something_else_is_named(rule):
    with pytest.raises(TypeError, match=r"rule <lambda> returned .*, expected [12] values: \(delta, \*state\)"):
        last(rule, identity, np.ones(2), 1)

"""The schedules: end points, torch's schedulers as oracle, exact restarts, bounds, bad input."""

import math
import re
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib.descent import trajectory
from nndl_lib.optimizers import sgd
from nndl_lib.schedules import (
    constant,
    cosine,
    exponential,
    inverse_time,
    linear_scaling,
    natural_exponential,
    piecewise,
    restarts,
    triangular,
    warmup,
)

settings.register_profile("rules", derandomize=True, deadline=None)
settings.load_profile("rules")
SCHEDULES = [
    constant, piecewise, inverse_time, exponential, natural_exponential, cosine, warmup, triangular, restarts,
]  # fmt: skip
approx = partial(pytest.approx, rel=1e-12, abs=1e-15)


@pytest.mark.parametrize(("schedule", "t", "alpha"), [
    (partial(constant, lr=0.3), 0, 0.3),
    (partial(constant, lr=0.3), 1e9, 0.3),
    (partial(piecewise, lr=2, boundaries=(5, 8), factors=(0.5, 0.1)), 0, 2),
    (partial(piecewise, lr=2, boundaries=(5, 8), factors=(0.5, 0.1)), 4, 2),
    (partial(piecewise, lr=2, boundaries=(5, 8), factors=(0.5, 0.1)), 5, 1),
    (partial(piecewise, lr=2, boundaries=(5, 8), factors=(0.5, 0.1)), 7, 1),
    (partial(piecewise, lr=2, boundaries=(5, 8), factors=(0.5, 0.1)), 8, 0.2),
    (partial(inverse_time, lr=0.3, beta=0.02), 0, 0.3),
    (partial(inverse_time, lr=0.3, beta=0.02), 50, 0.15),
    (partial(exponential, lr=0.3, beta=0.5), 0, 0.3),
    (partial(exponential, lr=0.3, beta=0.5), 3, 0.0375),
    (partial(exponential, lr=0.3, beta=1), 30, 0.3),
    (partial(natural_exponential, lr=0.3, beta=0.02), 0, 0.3),
    (partial(natural_exponential, lr=0.3, beta=0.02), 50, 0.3 / math.e),
    (partial(cosine, lr=0.3, lr_min=0.1, T=8), 0, 0.3),
    (partial(cosine, lr=0.3, lr_min=0.1, T=8), 4, 0.2),
    (partial(cosine, lr=0.3, lr_min=0.1, T=8), 8, 0.1),
    (partial(cosine, lr=0.3, lr_min=0.1, T=8), 13, 0.1),
    (partial(warmup, after=partial(exponential, lr=0.4, beta=0.5), steps=4), 0, 0.1),
    (partial(warmup, after=partial(exponential, lr=0.4, beta=0.5), steps=4), 3, 0.4),
    (partial(warmup, after=partial(exponential, lr=0.4, beta=0.5), steps=4), 4, 0.4),
    (partial(warmup, after=partial(exponential, lr=0.4, beta=0.5), steps=4), 5, 0.2),
    (partial(triangular, lr=0.3, lr_min=0.1, T=8), 0, 0.1),
    (partial(triangular, lr=0.3, lr_min=0.1, T=8), 2, 0.2),
    (partial(triangular, lr=0.3, lr_min=0.1, T=8), 4, 0.3),
    (partial(triangular, lr=0.3, lr_min=0.1, T=8), 7, 0.15),
    (partial(triangular, lr=0.3, lr_min=0.1, T=8), 8, 0.1),
    (partial(restarts, lr=0.3, lr_min=0.1, T=8, factor=2), 0, 0.3),
    (partial(restarts, lr=0.3, lr_min=0.1, T=8, factor=2), 4, 0.2),
    (partial(restarts, lr=0.3, lr_min=0.1, T=8, factor=2), 8, 0.3),
    (partial(restarts, lr=0.3, lr_min=0.1, T=8, factor=2), 16, 0.2),
    (partial(restarts, lr=0.3, lr_min=0.1, T=8, factor=2), 24, 0.3),
])  # fmt: skip
def test_schedule_passes_through_its_end_points(schedule, t, alpha):
    assert schedule(t) == approx(alpha)


# --- Oracle: torch.optim.lr_scheduler ---


def torch_rates(scheduler, steps, lr=0.3, **constants):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler = getattr(torch.optim.lr_scheduler, scheduler)(optimizer, **constants)
    for _ in range(steps):
        yield optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step()


@pytest.mark.parametrize(("schedule", "steps", "oracle", "constants"), [
    (partial(constant, lr=0.3), 50, "ConstantLR", dict(factor=1)),
    (partial(piecewise, lr=0.3, boundaries=(10, 30), factors=(0.1, 0.01)), 50, "MultiStepLR",
     dict(milestones=[10, 30], gamma=0.1)),
    (partial(inverse_time, lr=0.3, beta=0.2), 50, "LambdaLR", dict(lr_lambda=lambda t: 1 / (1 + 0.2 * t))),
    (partial(exponential, lr=0.3, beta=0.9), 50, "ExponentialLR", dict(gamma=0.9)),
    (partial(natural_exponential, lr=0.3, beta=0.2), 50, "ExponentialLR", dict(gamma=math.exp(-0.2))),
    (partial(cosine, lr=0.3, lr_min=0.01, T=40), 41, "CosineAnnealingLR", dict(T_max=40, eta_min=0.01)),
    (partial(warmup, after=partial(constant, lr=0.3), steps=10), 50, "LinearLR",
     dict(start_factor=0.1, end_factor=1.0, total_iters=9)),
    (partial(triangular, lr=0.3, lr_min=0.01, T=20), 50, "CyclicLR",
     dict(base_lr=0.01, max_lr=0.3, step_size_up=10, cycle_momentum=False)),
    *((partial(restarts, lr=0.3, lr_min=0.01, T=7, factor=factor), 300, "CosineAnnealingWarmRestarts",
       dict(T_0=7, T_mult=factor, eta_min=0.01)) for factor in (1, 2, 3)),
])  # fmt: skip
def test_schedule_equals_that_of_torch(schedule, steps, oracle, constants):
    theirs = list(torch_rates(oracle, steps, **constants))
    np.testing.assert_allclose(schedule(np.arange(steps)), theirs, rtol=1e-10)


def test_warmup_counts_the_schedule_behind_it_from_its_own_start():
    after = partial(cosine, lr=0.3, T=20)
    whole = warmup(np.arange(40), after=after, steps=10)
    np.testing.assert_allclose(whole[:10], 0.3 * np.arange(1, 11) / 10, rtol=1e-12)
    np.testing.assert_array_equal(whole[10:], after(np.arange(30)))


# --- Numbers and arrays ---


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.__name__)
def test_a_number_gives_a_float_and_an_array_an_array_of_the_same_numbers(schedule):
    t = np.arange(240).reshape(2, 120)
    alpha = schedule(t)
    assert isinstance(alpha, np.ndarray) and alpha.shape == t.shape and alpha.flags.writeable
    one_by_one = [schedule(int(i)) for i in t.ravel()]
    assert all(type(x) is float for x in one_by_one)
    np.testing.assert_array_equal(alpha.ravel(), one_by_one)
    assert schedule(3) == schedule(3.0) == schedule(np.int64(3)) == schedule(np.array(3)) == schedule([3])[0]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.__name__)
def test_a_schedule_stands_for_a_constant_of_a_rule(schedule):
    path = list(trajectory(sgd, lambda theta: 1.0, 0.0, 30, lr=schedule))
    np.testing.assert_allclose(-np.diff(path), schedule(np.arange(30)), rtol=1e-9)


# --- Bounds ---

times = st.floats(0, 1e6) | st.integers(0, 10**6)
rates = st.floats(1e-6, 10)
lengths = st.integers(1, 1000) | st.floats(0.5, 1000)


@given(times, rates, st.floats(0, 1), lengths, st.sampled_from([cosine, triangular, restarts]))
def test_rates_stay_between_lr_min_and_lr(t, lr, share, T, schedule):
    low = share * lr
    assert low * (1 - 1e-12) <= schedule(t, lr=lr, lr_min=low, T=T) <= lr * (1 + 1e-12)


@given(times, rates, lengths, st.integers(1, 4) | st.floats(1.01, 4))
def test_restarts_stay_between_zero_and_lr_for_any_factor(t, lr, T, factor):
    assert 0 <= restarts(t, lr=lr, T=T, factor=factor) <= lr


@given(times, times, st.sampled_from([constant, piecewise, inverse_time, exponential, natural_exponential, cosine]))
def test_decaying_schedules_never_rise_and_never_exceed_lr(s, t, schedule):
    early, late = schedule(min(s, t), lr=0.7), schedule(max(s, t), lr=0.7)
    assert 0 <= late <= early <= 0.7


@given(times, lengths, st.sampled_from([constant, exponential, cosine]))
def test_warmup_never_exceeds_the_first_rate_of_what_follows(t, steps, after):
    assert 0 <= warmup(t, after=after, steps=steps) <= after(0)


@given(st.integers(0, 10**6), st.integers(1, 1000))
def test_triangular_is_periodic(t, T):
    assert triangular(t, T=T) == triangular(t + T, T=T)


# --- Restarts ---


@pytest.mark.parametrize("T", [1, 3, 7, 10])
@pytest.mark.parametrize("factor", [1, 2, 3])
def test_restarts_begin_exactly_at_the_end_of_each_cycle(factor, T):
    alpha = restarts(np.arange(10**5), lr=1.0, lr_min=0.0, T=T, factor=factor)
    expected, length = [], T
    while len(expected) < 10**5:
        expected.extend((1 + math.cos(math.pi * i / length)) / 2 for i in range(length))
        length *= factor
    np.testing.assert_allclose(alpha, expected[: 10**5], rtol=0, atol=1e-9)


@pytest.mark.parametrize("factor", [1.5, 1.1, 2.5])
def test_restarts_with_a_broken_factor_begin_at_the_sum_of_the_cycles(factor):
    ends = np.cumsum(10 * factor ** np.arange(12))
    np.testing.assert_allclose(restarts(ends + 1e-6, factor=factor), 0.1, rtol=1e-6)
    np.testing.assert_allclose(restarts(ends - 1e-6, factor=factor), 0.0, atol=1e-6)


def test_one_cycle_of_restarts_is_the_cosine():
    t = np.arange(50)
    for factor in (1, 2):
        np.testing.assert_allclose(restarts(t, T=50, factor=factor), cosine(t, T=50), rtol=0, atol=1e-15)


# --- Batch size ---


def test_linear_scaling_keeps_the_rate_per_example():
    K = np.array([1, 32, 64, 256])
    np.testing.assert_allclose(linear_scaling(K, lr=0.1, K_ref=32), [0.1 / 32, 0.1, 0.2, 0.8], rtol=1e-12)
    assert type(linear_scaling(64)) is float


# --- Bad input ---

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.__name__)
@pytest.mark.parametrize("t", [-1, -1e-9, NAN, INF, [0, -1], "a", None])
def test_a_wrong_time_is_named(schedule, t):
    with pytest.raises(ValueError, match=f"{schedule.__name__}: t=.*, expected finite numbers >= 0"):
        schedule(t)


@pytest.mark.parametrize("lr", [0, -0.1, NAN, INF, "0.1", None, np.ones(2), 1j])
@pytest.mark.parametrize("schedule", [s for s in SCHEDULES if s is not warmup], ids=lambda s: s.__name__)
def test_a_wrong_base_rate_is_named(schedule, lr):
    with pytest.raises(ValueError, match=f"{schedule.__name__}: lr=.*, expected a number > 0"):
        schedule(3, lr=lr)


@pytest.mark.parametrize("value", [0, -1, NAN, INF, "1", None])
@pytest.mark.parametrize(("schedule", "key"), [
    (inverse_time, "beta"), (natural_exponential, "beta"), (cosine, "T"), (triangular, "T"), (restarts, "T"),
    (warmup, "steps"), (linear_scaling, "K_ref"), (linear_scaling, "lr"),
])  # fmt: skip
def test_a_wrong_positive_constant_is_named(schedule, key, value):
    with pytest.raises(ValueError, match=f"{schedule.__name__}: {key}={value!r}, expected a number > 0"):
        schedule(3, **{key: value})


@pytest.mark.parametrize("lr_min", [-0.1, 0.2, NAN, None, "0"])
@pytest.mark.parametrize("schedule", [cosine, triangular, restarts], ids=lambda s: s.__name__)
def test_a_wrong_smallest_rate_is_named(schedule, lr_min):
    message = f"{schedule.__name__}: lr_min={lr_min!r}, expected a number in [0, lr=0.1]"
    with pytest.raises(ValueError, match=re.escape(message)):
        schedule(3, lr=0.1, lr_min=lr_min)


@pytest.mark.parametrize(("call", "error", "message"), [
    (lambda: exponential(3, beta=0), ValueError, r"exponential: beta=0, expected a factor in \(0, 1\]"),
    (lambda: exponential(3, beta=1.01), ValueError, "beta=1.01"),
    (lambda: exponential(3, beta=NAN), ValueError, "beta=nan"),
    (lambda: exponential(3, beta=None), ValueError, "beta=None"),
    (lambda: restarts(3, factor=0.5), ValueError, "restarts: factor=0.5, expected a number >= 1"),
    (lambda: restarts(3, factor=INF), ValueError, "factor=inf"),
    (lambda: restarts(3, factor=None), ValueError, "factor=None"),
    (lambda: piecewise(3, boundaries=(5, 5)), ValueError, r"piecewise: boundaries=\(5, 5\)"),
    (lambda: piecewise(3, boundaries=(5, 4)), ValueError, r"boundaries=\(5, 4\)"),
    (lambda: piecewise(3, boundaries=(5,)), ValueError, r"factors=\(0.1, 0.01\), expected increasing, as many"),
    (lambda: piecewise(3, factors=(0.1, 0)), ValueError, r"factors=\(0.1, 0\), expected numbers > 0"),
    (lambda: piecewise(3, factors=(0.1, NAN)), ValueError, "expected numbers > 0"),
    (lambda: warmup(3, after=0.1), TypeError, "warmup: after=0.1, expected a schedule"),
    (lambda: linear_scaling(0), ValueError, r"linear_scaling: K=.*0.*, expected a batch size >= 1"),
    (lambda: linear_scaling([32, -1]), ValueError, "expected a batch size >= 1"),
])  # fmt: skip
def test_other_wrong_constants_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_constants_are_keywords_and_unknown_ones_raise():
    for schedule in SCHEDULES:
        with pytest.raises(TypeError):
            schedule(3, 0.1)
        with pytest.raises(TypeError, match="gamma"):
            schedule(3, gamma=0.1)

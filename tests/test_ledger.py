"""The ledger: outcomes and errors of `verdict`, coverage of `interval`, quantiles of `band`."""

import numpy as np
import pytest
import torch
from scipy.stats import binom

from nndl_lib.ledger import Interval, band, interval, verdict

# --- verdict

OUTCOMES = [
    (True, "holds"),
    (np.True_, "holds"),
    (False, "fails"),
    ([True, True], "holds"),
    ([True, False], "depends"),
    (np.array([False, False]), "fails"),
    ({"start": True, "end": False}, "depends"),
    ({"start": False, "end": False}, "fails"),
]


@pytest.mark.parametrize("holds, outcome", OUTCOMES)
def test_the_outcome_is_all_some_or_none_of_the_tests(holds, outcome):
    assert verdict("claim-x", holds=holds, expect=outcome, n=1).outcome == outcome


@pytest.mark.parametrize("holds, outcome", OUTCOMES)
@pytest.mark.parametrize("stated", ["holds", "fails", "depends"])
def test_a_verdict_raises_where_the_book_states_another_outcome(holds, outcome, stated):
    if stated != outcome:
        with pytest.raises(AssertionError, match=f"the book states '{stated}', found: .*{outcome}.*claim-x"):
            verdict("claim-x", holds=holds, expect=stated, n=1)


def test_a_cited_claim_has_evidence_and_no_test():
    assert verdict("claim-x", expect="cited", source="table 2").outcome == "cited"
    with pytest.raises(ValueError, match="only a cited claim has no test"):
        verdict("claim-x", expect="cited", holds=True, n=1)


@pytest.mark.parametrize("holds", [None])
def test_a_claim_without_a_test_is_no_verdict(holds):
    with pytest.raises(ValueError, match="only a cited claim has no test"):
        verdict("claim-x", holds=holds, n=1)


@pytest.mark.parametrize("holds", [1, 0.5, "yes", [], {}, [True, 1], np.array([1.0, 0.0]), np.nan])
def test_the_test_must_be_boolean(holds):
    with pytest.raises(ValueError, match="expected a bool or several"):
        verdict("claim-x", holds=holds, n=1)


def test_an_unknown_outcome_and_missing_evidence_raise():
    with pytest.raises(ValueError, match="expect='maybe', expected one of holds, fails, depends, cited"):
        verdict("claim-x", holds=True, expect="maybe", n=1)
    with pytest.raises(ValueError, match="claim-x: a verdict needs evidence"):
        verdict("claim-x", holds=True)


def test_the_book_may_state_which_conditions_hold():
    tests = {"start": True, "end": False}
    line = verdict("claim-x", holds=tests, expect=[True, False], n=1)
    assert repr(line) == "~ depends  claim-x  start ✓  end ✗  n=1"
    with pytest.raises(AssertionError, match="the book states"):
        verdict("claim-x", holds=tests, expect=[False, True], n=1)


def test_the_line_holds_outcome_claim_and_evidence_as_numbers():
    line = verdict("claim-x", holds=True, seeds=10, loss=0.123456, gain=Interval(1.0, 0.5, 2.0), at=[1, 2.5], same=True,
                   by={"a": 1e-7}, rule="sgd")  # fmt: skip
    assert repr(line) == ("✓ holds  claim-x  seeds=10  loss=0.123  gain=1 [0.5, 2]  at=[1, 2.5]  same=True  "
                          "by={a: 1e-07}  rule=sgd")  # fmt: skip


def test_the_html_names_the_outcome_as_a_class_and_is_escaped():
    html = verdict("claim-x", holds=False, expect="fails", rule="<b>")._repr_html_()
    assert html.startswith('<div class="verdict fails" id="claim-x"><b>✗ fails</b> <code>claim-x</code>')
    assert "rule=&lt;b&gt;" in html


# --- interval


@pytest.mark.parametrize("n", range(5, 60))
@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.93])
def test_the_interval_is_the_shortest_pair_of_order_statistics_that_covers_enough(n, confidence):
    median, low, high = interval(np.arange(1, n + 1)[::-1], confidence=confidence)
    k = int(low)
    assert (median, high) == ((n + 1) / 2, n + 1 - k)

    def coverage(k):
        return sum(binom.pmf(i, n, 0.5) for i in range(k, n - k + 1))

    assert coverage(k) >= confidence
    assert k + 1 > (n + 1) // 2 or coverage(k + 1) < confidence


@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_interval_covers_the_median_of_a_skewed_distribution_as_often_as_the_binomial_says(n):
    samples = np.random.default_rng(0).exponential(size=(4000, n))
    found = np.array([interval(row)[1:] for row in samples])
    k = np.searchsorted(np.sort(samples[0]), found[0, 0]) + 1
    exact = 1 - 2 * binom.cdf(k - 1, n, 0.5)
    covered = ((found[:, 0] <= np.log(2)) & (np.log(2) <= found[:, 1])).mean()
    assert covered == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 4000) ** 0.5)
    assert exact >= 0.93


def test_five_samples_give_at_most_fifteen_sixteenths():
    assert interval([3, 1, 2, 5, 4], confidence=15 / 16) == (3, 1, 5)
    with pytest.raises(ValueError, match="5 samples give at most 0.9375"):
        interval([3, 1, 2, 5, 4], confidence=0.95)


@pytest.mark.parametrize("samples", [1.0, [], [1, 2, 3, 4]])
def test_fewer_than_five_samples_raise(samples):
    with pytest.raises(ValueError, match="expected at least 5"):
        interval(samples)


@pytest.mark.parametrize("estimate", [interval, band])
def test_nan_among_the_samples_raises(estimate):
    with pytest.raises(ValueError, match="NaN among them"):
        estimate([1, 2, np.nan, 4, 5])


def test_a_failed_run_may_count_as_infinite():
    assert interval([np.inf, 1, 2, 3, 4]) == (3, 1, np.inf)


# --- band


def test_the_band_holds_the_quantiles_along_the_seeds():
    samples = np.arange(11.0)[:, None] * [1, 10]
    median, low, high = band(samples)
    assert (median.tolist(), low.tolist(), high.tolist()) == ([5, 50], [1, 10], [9, 90])
    assert band(samples.T, axis=1).high.tolist() == [9, 90]


@pytest.mark.parametrize("samples", [1.0, np.ones((1, 5))])
def test_one_seed_is_no_band(samples):
    with pytest.raises(ValueError, match="expected at least 2"):
        band(samples)


def test_a_band_may_end_at_infinity():
    assert band([np.inf, 1, 2, 3, 4]) == (3, pytest.approx(1.4), np.inf)
    assert band([0.0, 0.0, 0.0]) == (0, 0, 0)


def test_a_verdict_names_its_conditions_and_can_demand_which_of_them_hold():
    holds = {"same rate": True, "tuned": False}
    line = verdict("claim-x", holds=holds, expect=[True, False], gain=0.5)
    assert repr(line) == "~ depends  claim-x  same rate ✓  tuned ✗  gain=0.5"
    with pytest.raises(AssertionError, match=r"states \[False, True\]"):
        verdict("claim-x", holds=holds, expect=[False, True], gain=0.5)


def test_a_tensor_of_one_number_is_a_number():
    assert repr(verdict("claim-x", holds=True, gain=torch.tensor(0.5))).endswith("gain=0.5")

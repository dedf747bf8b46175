"""The ledger: `verdict` states a claim's outcome with its evidence and fails where the book's sentence is false.

Evidence comes as samples, one per seed: `band` describes their spread, `interval` says how well their median is known.
"""

from html import escape
from numbers import Number
from typing import NamedTuple

import numpy as np
from scipy.stats import binom

_HUGE = 1e306
OUTCOMES = {"holds": "✓", "fails": "✗", "depends": "~", "cited": "”"}


class Interval(NamedTuple):
    """A median with a lower and an upper end, numbers or arrays."""

    median: float
    low: float
    high: float


def band(samples, *, axis=0):
    """Median and 10-90 % band of `samples` along `axis`, the axis of the seeds; failed runs count as inf."""
    finite = np.clip(_checked(samples, 2, axis), -_HUGE, _HUGE)  # inf - inf would be NaN in an interpolation
    low, median, high = np.quantile(finite, [0.1, 0.5, 0.9], axis=axis)
    return Interval(*(np.where(abs(q) > _HUGE / 1e6, np.copysign(np.inf, q), q)[()] for q in (median, low, high)))


def interval(samples, *, confidence=0.93):
    """The median of `samples` (one per seed) and an interval that covers the true median with that probability.

    The ends are order statistics, so nothing is assumed of the distribution; five samples give at most 15/16.
    For a paired comparison pass the differences: half the width is the smallest effect that the experiment can show.
    Equation (O.61). Source: David and Nagaraja, Order Statistics, 2003, section 7.1.
    Raises: ValueError for fewer than five samples, NaN, or a confidence that so few cannot give.
    """
    ordered = np.sort(_checked(samples, 5, 0).ravel())
    n = len(ordered)
    ranks = np.arange(1, (n + 1) // 2 + 1)
    coverage = 1 - 2 * binom.cdf(ranks - 1, n, 0.5)
    if coverage[0] < confidence:
        raise ValueError(f"interval: confidence={confidence!r}, but {n} samples give at most {coverage[0]:.4f}")
    k = ranks[coverage >= confidence][-1]
    return Interval(float(np.median(ordered)), float(ordered[k - 1]), float(ordered[n - k]))


def _checked(samples, least, axis):
    samples = np.asarray(samples, dtype=float)
    if samples.ndim == 0 or samples.shape[axis] < least:
        raise ValueError(f"samples: shape {samples.shape}, expected at least {least} along axis {axis}")
    if np.isnan(samples).any():
        raise ValueError("samples: NaN among them; say what a failed run counts as (inf, for a loss)")
    return samples


class Verdict(NamedTuple):
    """One line of the ledger: a claim's id, its outcome, the conditions tested, and the evidence by name."""

    claim: str
    outcome: str
    conditions: dict
    evidence: dict

    def __repr__(self):
        return "  ".join([f"{OUTCOMES[self.outcome]} {self.outcome}", self.claim, *self._details()])

    def _repr_html_(self):
        claim, rest = escape(self.claim), "&emsp;".join(map(escape, self._details()))
        mark = f"<b>{OUTCOMES[self.outcome]} {self.outcome}</b>"
        return f'<div class="verdict {self.outcome}" id="{claim}">{mark} <code>{claim}</code> {rest}</div>'

    def _details(self):
        tests = [f"{name} {OUTCOMES['holds' if test else 'fails']}" for name, test in self.conditions.items()]
        return tests + [f"{name}={_text(value)}" for name, value in self.evidence.items()]


def verdict(claim, *, holds=None, expect="holds", **evidence):
    """The outcome of `claim` (an id of the inventory) with its evidence; raises where the book states another outcome.

    `holds` is the result of the test: a bool, or several by condition (a dict or sequence of bools): all true is
    "holds", none "fails", some "depends". `expect` is the outcome stated in the text, or, where the text says which
    conditions hold, their bools in the order of `holds`. "cited" is for what cannot be run here and takes no `holds`.
    Evidence: numbers, `Interval`s, short sequences or names.
    Raises: AssertionError if the outcome is not the expected one; ValueError for an unknown `expect` or no evidence.
    """
    pattern = None if isinstance(expect, str) else _tests(claim, "expect", expect)
    if pattern is None and expect not in OUTCOMES:
        raise ValueError(f"expect={expect!r}, expected one of {', '.join(OUTCOMES)} or a bool for each condition")
    if not evidence:
        raise ValueError(f"{claim}: a verdict needs evidence, got none")
    if (holds is None) != (pattern is None and expect == "cited"):
        raise ValueError(f"{claim}: holds={holds!r} with expect={expect!r}; only a cited claim has no test")
    tests = [] if holds is None else _tests(claim, "holds", holds)
    conditions = dict(zip(holds, tests, strict=True)) if isinstance(holds, dict) else {}
    line = Verdict(claim, _outcome(tests), conditions, evidence)
    stated, found = (expect, line.outcome) if pattern is None else (pattern, tests)
    if found != stated:
        raise AssertionError(f"the book states {expect!r}, found: {line!r}")
    return line


def _tests(claim, argument, value):
    tests = list(value.values()) if isinstance(value, dict) else np.ravel(np.asarray(value)).tolist()
    if not tests or not all(isinstance(test, bool | np.bool_) for test in tests):
        raise ValueError(f"{claim}: {argument}={value!r}, expected a bool or several")
    return [bool(test) for test in tests]


def _outcome(tests):
    if not tests:
        return "cited"
    return "holds" if all(tests) else "depends" if any(tests) else "fails"


def _text(value):
    if isinstance(value, Interval):
        return f"{_text(value.median)} [{_text(value.low)}, {_text(value.high)}]"
    if isinstance(value, bool | np.bool_ | str | int | np.integer):
        return str(value)
    if isinstance(value, Number):
        return f"{value:.3g}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    value = np.asarray(value).tolist()
    return "[" + ", ".join(map(_text, value)) + "]" if isinstance(value, list) else _text(value)

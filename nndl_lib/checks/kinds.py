"""Kinds of self-checks: each returns a function of the answer, None where it is right, else what is wrong."""

import numpy as np


def close(answer, expected, rtol=5e-3):
    answer, expected = np.asarray(answer, dtype=float), np.asarray(expected, dtype=float)
    return answer.shape == expected.shape and np.allclose(answer, expected, rtol=rtol, atol=1e-9)


def compare(given, wanted):
    """A ValueError where the answer has more or fewer parts than the right one."""
    if given != wanted:
        raise ValueError(f"expected {wanted} value{'s' * (wanted > 1)}, got {given}")


def values(right, rtol=5e-3, **mistakes):
    """A check for numbers: None for the right ones, else the letter of the mistake that gives them."""

    def diagnose(answer):
        compare(np.size(answer), np.size(right))
        if close(answer, right, rtol):
            return None
        return next((letter for letter, wrong in mistakes.items() if close(answer, wrong, rtol)), "?")

    return diagnose


def functions(cases, right, **mistakes):
    """A check for a function: None if it equals `right` on all `cases`, else the letter of the mistake it equals."""

    def diagnose(answer):
        given = [answer(*case) for case in cases]
        known = {None: right, **mistakes}
        agree = (all(map(close, given, [f(*case) for case in cases])) for f in known.values())
        return next((letter for letter, same in zip(known, agree, strict=True) if same), "?")

    return diagnose


def parts(right, **mistakes):
    """A check for several numbers: the letters of all that are wrong; a mistake is its position and its values."""

    def explain(i, number):
        letters = (a for a, (k, *values) in mistakes.items() if k == i and any(close(number, v) for v in values))
        return next(letters, "?")

    def diagnose(answer):
        compare(len(answer), len(right))
        wrong = [explain(i, a) for i, (a, r) in enumerate(zip(answer, right, strict=True)) if not close(a, r)]
        return " ".join(wrong) or None

    return diagnose

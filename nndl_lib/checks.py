"""`check("1-2", answer)`: the self-check of an exercise. It never raises and says in symbols what is wrong.

A right answer shows a tick, an unanswered `...` a dash, a wrong one a cross and the letter of the mistake that explains
it; the letters are explained in the exercise's notebook, in the reader's language. `?` is a mistake without a letter.
"""

from html import escape

import numpy as np


class Check(str):
    """One line of feedback."""

    def __repr__(self):
        return str(self)

    def _repr_html_(self):
        return f'<div class="check">{escape(self)}</div>'


def check(exercise, answer):
    """Feedback on `answer` to `exercise`: `✓`, `–` for `...`, or `✗` with the letter of the mistake."""
    if exercise not in _EXERCISES:
        return Check(f"? {exercise}: {', '.join(_EXERCISES)}")
    if answer is ...:
        return Check(f"– {exercise}")
    try:
        mistake = _EXERCISES[exercise](answer)
    except Exception as error:
        return Check(f"✗ {exercise}  {type(error).__name__}: {error}")
    return Check(f"✓ {exercise}" if mistake is None else f"✗ {exercise}  {mistake}")


def _close(answer, expected, rtol=5e-3):
    answer, expected = np.asarray(answer, dtype=float), np.asarray(expected, dtype=float)
    return answer.shape == expected.shape and np.allclose(answer, expected, rtol=rtol, atol=1e-9)


def _values(right, **mistakes):
    """A check for numbers: None for the right ones, else the letter of the mistake that gives them."""

    def diagnose(answer):
        if _close(answer, right):
            return None
        return next((letter for letter, wrong in mistakes.items() if _close(answer, wrong)), "?")

    return diagnose


_EXERCISES = {
    "momentum-1": _values((0.04, 0.64), A=(2 / 82, 0), B=(0.04, 0.8), C=(0.2, 0.64), D=(0.64, 0.04)),
    "comparison-1": _values(
        (-0.8, -4 / 10.25**0.5, -11 / 3 / (41 / 3) ** 0.5),
        A=(0.8, 4 / 10.25**0.5, 11 / 3 / (41 / 3) ** 0.5),
        B=(-0.8, -4 / 10.25**0.5, -2.75 / 10.25**0.5),
        C=(-0.8, -4 / (41 / 3) ** 0.5, -11 / 3 / (41 / 3) ** 0.5),
        D=(-4 / 25, -4 / 10.25, -11 / 41),
    ),
}

"""`check("1-2", answer)`: the self-check of an exercise. It never raises and says in symbols what is wrong.

A right answer shows a tick, an unanswered `...` a dash, a wrong one a cross and the letter of the mistake that explains
it; the letters are explained in the exercise's notebook, in the reader's language. `?` is a mistake without a letter.
"""

from html import escape

from . import difficulties, foundations, hpo, initialization, normalization, optimizers, preprocessing, regularization

_SECTIONS = (foundations, difficulties, optimizers, initialization, preprocessing, normalization, hpo, regularization)
_EXERCISES = {name: diagnose for section in _SECTIONS for name, diagnose in section.EXERCISES.items()}


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

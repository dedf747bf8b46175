"""How a misprint of a source text is tested: the right form passes a theorem, the misprinted one fails it."""

import pytest


def registry():
    """A list of cases, and the decorator `erratum(id, right, misprint)` that adds a theorem `form -> bool` to it."""
    cases = []

    def erratum(id, right, misprint):
        def register(theorem):
            cases.append(pytest.param(right, misprint, theorem, id=id))
            return theorem

        return register

    return cases, erratum

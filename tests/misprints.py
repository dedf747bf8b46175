"""How a misprint of a source text is tested: the right form passes a theorem, the misprinted one fails it.

    erratum, test_the_right_form_passes_and_the_misprint_fails = misprints()

    @erratum("err-of-the-list", right, misprint)
    def a_sentence_about_the_form(form): ...
"""

import numpy as np
import pytest


def misprints():
    """The decorator `erratum(id, right, misprint)` of theorems `form -> bool`, and the test of all of a module's."""
    cases = []

    def erratum(id, right, misprint):
        def register(theorem):
            cases.append(pytest.param(right, misprint, theorem, id=id))
            return theorem

        return register

    @pytest.mark.parametrize(("right", "misprint", "theorem"), cases)
    def test(right, misprint, theorem):
        assert theorem(right)
        assert not theorem(misprint)

    return erratum, test


def draws():
    return np.random.default_rng(0)

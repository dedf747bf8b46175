"""How a mistake of a source text is tested: the right form passes a theorem, the printed one fails it.

    @erratum("err-of-the-list", right, misprint)
    def a_sentence_about_the_form(form): ...

    @number("err-of-the-list")
    def a_sentence_that_the_entry_states(): ...

The modules in errata/ register their cases here; test_errata.py runs them.
"""

import numpy as np

CASES, NUMBERS = [], []


def erratum(id, right, misprint):
    """Register a theorem `form -> bool`, which is true of the right form and false of the misprint."""

    def register(theorem):
        CASES.append((id, theorem, right, misprint))
        return theorem

    return register


def number(id):
    """Register a check without a printed form: a function that asserts something which the entry of the list states."""

    def register(check):
        NUMBERS.append((id, check))
        return check

    return register


def draws():
    return np.random.default_rng(0)

"""Mistakes of the source texts: the right form passes, the printed one fails, and what can be computed is tested."""

from importlib import import_module

import pytest
from misprints import CASES, NUMBERS
from notebooks import ROOT

for module in sorted((ROOT / "tests" / "errata").glob("*.py")):
    import_module(f"errata.{module.stem}")


def parameters(cases):
    return [pytest.param(*case, id=f"{case[0]}-{case[1].__name__}") for case in cases]


@pytest.mark.parametrize(("id", "theorem", "right", "misprint"), parameters(CASES))
def test_the_right_form_passes_and_the_printed_one_fails(id, theorem, right, misprint):
    assert theorem(right)
    assert not theorem(misprint)


@pytest.mark.parametrize(("id", "check"), parameters(NUMBERS))
def test_a_number_of_the_list_is_right(id, check):
    check()

"""Mistakes of the source texts: the right form passes, the printed one fails, and what can be computed is tested."""

from importlib import import_module

import pytest
from book import errata
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


def test_each_mistake_that_is_wrong_or_can_be_computed_has_a_case():
    """A wrong result has a case, unless it is a matter of who said it, which only the cited work can prove."""
    proved = {id for id, *_ in CASES + NUMBERS}
    kept = {id: entry for id, entry in errata().items() if "withdrawn" not in entry}
    wanted = {id for id, entry in kept.items() if entry["proof"] == "computed"}
    wanted |= {id for id, entry in kept.items() if entry["grade"] == "A" and entry["proof"] == "derived"}
    assert sorted(wanted - proved) == []


def test_each_case_is_of_a_mistake_that_is_published_as_computed():
    published = {id for id, entry in errata().items() if entry["proof"] == "computed"}
    assert sorted({id for id, *_ in CASES + NUMBERS} - published) == []

"""The pages that are written from the inventory, the notebooks and the library."""

import nbformat
import pytest
from backmatter import (
    api,
    cells,
    column,
    concordance,
    covering,
    equations,
    glossary,
    headings,
    inventory,
    ledger,
    library,
    natural,
    table,
    verdicts,
)
from nndl_book.anchors import TAG


@pytest.fixture(scope="module")
def pages():
    return {page.__name__: "\n".join(page()) for page in (ledger, equations, glossary, concordance, api)}


def test_the_ledger_has_each_verdict_that_a_notebook_stores(pages):
    stored = [
        output["data"]["text/html"]
        for cell, _ in cells()
        for output in cell.get("outputs", ())
        if 'class="verdict' in output.get("data", {}).get("text/html", "")
    ]
    assert len(stored) == len(list(verdicts())) > 100
    assert all(pages["ledger"].count(f"`{claim}`") >= 1 for claim, *_ in verdicts())


def test_each_claim_is_judged_once_on_a_page():
    judged = [(claim, place.page) for claim, _, _, place in verdicts()]
    assert len(judged) == len(set(judged))


def test_the_index_has_each_equation_once(pages):
    numbers = [n for cell, _ in cells() if cell.cell_type == "markdown" for n in TAG.findall(cell.source)]
    rows = [line.split(" | ")[0] for line in pages["equations"].splitlines() if line.startswith("| (")]
    assert sorted(rows) == sorted(f"| ({n})" for n in numbers)


def test_the_glossary_has_each_term_that_the_book_introduces(pages):
    known = [entry for entry in inventory().values() if covering()[entry["id"]]]
    terms = [entry["title_en"] for entry in known if entry["kind"] in ("definition", "method")]
    assert all(f"| **{term}** |" in pages["glossary"] for term in terms)


def test_the_concordance_has_each_item_of_each_source(pages):
    rows = [line for line in pages["concordance"].splitlines() if line.startswith("| ")]
    sources = sum(len(e["seed"]) if isinstance(e["seed"], list) else 1 for e in inventory().values())
    assert len(rows) - 2 * 5 == sources


def test_the_reference_knows_a_function_its_equations_and_its_tests():
    adam = next(f for f in library() if f.name == "adam")
    assert adam.signature.startswith("adam(g, t=0, M=0, G=0, *, lr=0.001, beta1=0.9") and "1.23" in adam.numbers
    assert "Kingma and Ba 2015" in adam.source and "test_optimizers.py" in adam.tests


def test_bars_do_not_end_a_column():
    assert column(r"$|x|$ or $\|x\|_2$, a|b") == r"$\vert x\vert $ or $\Vert x\Vert _2$, a\|b"
    assert table(("a",), [("x\ny",)]) == "| a |\n| --- |\n| x y |\n"


def test_headings_have_the_anchors_of_the_site():
    cell = nbformat.v4.new_markdown_cell("# A `rule`, and $x^2$\n\ntext\n\n#### deep\n\n## Where it's *used*")
    assert [slug for _, slug in headings(cell)] == ["a-rule-and-", "where-its-used"]


def test_places_are_sorted_by_number():
    assert sorted(["1.10", "1.9", "7.1", "1.2.1"], key=natural) == ["1.2.1", "1.9", "1.10", "7.1"]

"""The generated pages, and whether the book delivers all that its inventory names."""

import re

import nbformat
import pytest
from backmatter import GRADES, PAGES, PROOFS, SOURCES, mentioned
from book import (
    cells,
    covering,
    errata,
    exercises,
    first_sentence,
    headings,
    inventory,
    library,
    load,
    numbers,
    origins,
    verdicts,
)
from tables import column, natural, table

NEAR = 3


@pytest.fixture(scope="module")
def pages():
    return {page: "\n".join(write()) for page, write in PAGES.items()}


def rows(page):
    """The rows of a page's tables, without heads and rules."""
    tables = re.findall(r"^\|.*\n\| ---.*\n((?:\|.*\n?)*)", page, re.MULTILINE)
    return [line for body in tables for line in body.splitlines()]


# --- the whole inventory is delivered


def test_each_of_the_823_entries_of_the_inventory_is_covered():
    assert len(inventory()) == 823
    assert [entry for entry, places in covering().items() if not places] == []


def around(entry, near=NEAR):
    """For each cell that covers an entry: the cells of its page close to it."""
    every = cells()
    for i, (cell, place) in enumerate(every):
        if entry in cell.metadata.get("covers", ()):
            yield [other for other, there in every[max(0, i - near) : i + near + 1] if there.page == place.page]


def of(kind, *sources):
    """The entries of a kind, of some of the sources or of all."""
    chosen = [entry for entry in inventory().values() if entry["kind"] == kind]
    return [entry["id"] for entry in chosen if not sources or set(sources) & set(origins(entry))]


def shows_figure(cell):
    return any(output.get("data", {}).get("text/plain", "").startswith("<Figure") for output in cell.get("outputs", ()))


def test_a_covered_equation_stands_there_as_a_formula():
    assert [e for e in of("equation") if not any("$" in cell.source for near in around(e, 0) for cell in near)] == []


def test_a_covered_equation_of_the_chapter_has_its_number_there():
    tagged = {f"eq-{number}" for number, _ in numbers()}
    assert [e for e in of("equation") if re.fullmatch(r"eq-1\.\d+", e) and e not in tagged] == []


def test_a_covered_figure_of_the_chapter_or_the_answers_is_drawn_there():
    """Figures of the slides are known by their headings only: they are covered by the thing that they would show."""
    wanted = of("figure", "001", "003")
    assert [e for e in wanted if not any(shows_figure(c) or "|" in c.source for near in around(e) for c in near)] == []


def test_a_covered_claim_has_its_verdict_on_that_page():
    judged = {(claim, place.page) for claim, _, _, place in verdicts()}
    claims = [entry for entry in of("claim") if entry.startswith("claim-")]
    assert [e for e in claims if not any((e, place.page) in judged for place in covering()[e])] == []


def test_a_covered_exercise_has_a_solution_on_that_page():
    solved = {place.page for cell, place in cells() if re.search("<summary>(?!Hint|What the letters)", cell.source)}
    assert [e for e in of("exercise") if not all(place.page in solved for place in covering()[e])] == []


def test_a_covered_definition_has_its_term_in_bold_or_in_a_heading_on_that_page():
    missing = []
    for entry in of("definition"):
        terms = re.findall(r"[a-z]{4,}", inventory()[entry]["title_en"].lower())
        marked = " ".join(marks(place.page) for place in covering()[entry])
        if not any(term[:5] in marked for term in terms):
            missing.append(entry)
    assert missing == []


def marks(page):
    """The words of a page that are bold or in headings."""
    text = "\n\n".join(cell.source for cell, place in cells() if place.page == page and cell.cell_type == "markdown")
    return " ".join(bold or head for bold, head in re.findall(r"\*\*(.+?)\*\*|^#+ (.*)$", text, re.MULTILINE)).lower()


# --- the pages


def test_the_ledger_has_each_verdict_that_a_notebook_stores(pages):
    stored = [
        output["data"]["text/html"]
        for cell, _ in cells()
        for output in cell.get("outputs", ())
        if 'class="verdict' in output.get("data", {}).get("text/html", "")
    ]
    assert len(stored) == len(verdicts()) == len(rows(pages["appendix/ledger"])) > 100
    assert all(f"<code>{claim}</code>" in pages["appendix/ledger"] for claim, *_ in verdicts())


def test_each_judged_claim_has_a_sentence_that_the_ledger_shows(pages):
    claims = load("claims.yml")
    assert set(claims) == {claim for claim, *_ in verdicts()}
    assert [claim for claim, says in claims.items() if not says.endswith(".")] == []
    assert all(f"| {column(says)} (" in pages["appendix/ledger"] for says in claims.values())


def test_each_claim_is_judged_once_on_a_page():
    judged = [(claim, place.page) for claim, _, _, place in verdicts()]
    assert len(judged) == len(set(judged))


def test_the_index_has_each_equation_once(pages):
    listed = [row.split(" | ")[0].removeprefix("| ") for row in rows(pages["appendix/equations"])]
    assert sorted(listed) == sorted(f"({n})" for n, _ in numbers())


def test_the_glossary_has_each_definition_and_method_of_the_inventory_once(pages):
    words = load("glossary.yml")
    assert sorted(words) == sorted(of("definition") + of("method"))
    assert len({word["term"].lower() for word in words.values()}) == len(words) == len(rows(pages["appendix/glossary"]))
    for word in words.values():
        assert f"| **{column(word['term'])}**<br>{column(word['zh'])} | " in pages["appendix/glossary"]
        assert f" | {column(word['meaning'])}<br>" in pages["appendix/glossary"]


def test_a_meaning_is_a_sentence_without_bars_or_ids():
    ids = re.compile(r"\b(?:def|method|act|aug|err|claim|eq)-[a-z0-9]")
    for entry, word in load("glossary.yml").items():
        assert set(word) == {"term", "zh", "meaning"}, entry
        assert word["meaning"].endswith(".") and "|" not in word["meaning"] and not ids.search(word["meaning"]), entry


def test_the_concordance_has_each_item_of_each_source(pages):
    items = sum(len(origins(entry)) for entry in inventory().values())
    assert len(rows(pages["appendix/concordance"])) == items + len(load("editions.yml")["sections"])
    assert "|  |" not in pages["appendix/concordance"]


def test_the_reference_knows_a_function_its_equations_and_its_tests():
    adam = next(f for f in library() if f.name == "adam")
    assert adam.signature.startswith("adam(g, t=0, M=0, G=0, *, lr=0.001, beta1=0.9") and "1.23" in adam.numbers
    assert "Kingma and Ba 2015" in adam.source and "test_optimizers.py" in adam.tests


# --- exercises


def test_the_twelve_exercises_of_the_chapter_and_its_final_edition_are_there(pages):
    listed = load("editions.yml")["exercises"]
    assert sorted((row["draft"] for row in listed if row["draft"]), key=natural) == [f"1-{n}" for n in range(1, 7)]
    assert sorted((row["final"] for row in listed if row["final"]), key=natural) == [f"7-{n}" for n in range(1, 12)]
    assert all((row["draft"] or row["final"]) in pages["exercises/index"] for row in listed)


def test_each_exercise_has_its_kind_and_level_and_each_section_three_kinds():
    assert all(exercise.kind in {"pencil", "code", "pencil and code", "predict, then run"} for exercise in exercises())
    assert all(exercise.level in (1, 2, 3) for exercise in exercises())
    for folder in {exercise.place.page.rsplit("/", 1)[0] for exercise in exercises()} - {"exercises"}:
        kinds = {exercise.kind for exercise in exercises() if exercise.place.page.startswith(folder)}
        assert kinds >= {"pencil", "code", "predict, then run"}, folder


def test_no_exercise_lacks_its_level():
    unmarked = re.compile(r"^\*\*\d+ \((?:pencil|code|predict)[^★)]*\)|^> \*\*Exercise\b(?! \([^)]*★)", re.MULTILINE)
    markdown = [(cell.source, place.page) for cell, place in cells() if cell.cell_type == "markdown"]
    assert [page for source, page in markdown if unmarked.search(source)] == []


def test_the_first_sentence_ends_outside_a_formula():
    assert first_sentence(r"Set $a = 0.5$: what? No.") == r"Set $a = 0.5$"
    assert first_sentence("Rate 0.1 is used. Then") == "Rate 0.1 is used."


# --- errata


def test_the_errata_are_complete_and_say_how_they_are_known(pages):
    assert len(errata()) == 216
    for name, entry in errata().items():
        assert entry["grade"] in GRADES and entry["proof"] in PROOFS and set(entry["source"]) <= set(SOURCES), name
        assert entry["printed"] and (entry.get("withdrawn") or entry["right"] and entry["why"]), name
        assert ("withdrawn" in entry) != (f'id="{name}"' in pages["appendix/errata"])


def test_errata_that_the_inventory_names_are_in_the_list():
    assert {mistake for entry in inventory().values() for mistake in mentioned(entry)} <= set(errata())


# --- tables and anchors


def test_bars_do_not_end_a_column():
    assert column(r"$|x|$ or $\|x\|_2$, a|b") == r"$\vert x\vert $ or $\Vert x\Vert _2$, a\|b"
    assert table(("a",), [("x\ny",)]) == "| a |\n| --- |\n| x y |\n"


def test_headings_have_the_anchors_of_the_site():
    cell = nbformat.v4.new_markdown_cell("# A `rule`, and $x^2$\n\ntext\n\n#### deep\n\n## Where it's *used*")
    assert [slug for _, slug in headings(cell)] == ["a-rule-and-", "where-its-used"]


def test_places_are_sorted_by_number():
    assert sorted(["1.10", "1.9", "7.1", "1.2.1"], key=natural) == ["1.2.1", "1.9", "1.10", "7.1"]

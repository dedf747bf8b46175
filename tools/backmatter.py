"""Write the pages that follow from the inventory, the notebooks and the library, so that nothing is typed twice.

The pages (`PAGES`) are written before each build and are not kept in the repository: the index of exercises, the ledger
of claims, the errata of the source texts, the glossary, the concordance, the index of equations, the reference of the
library.
"""

from collections import Counter, defaultdict
from dataclasses import replace

from book import (
    cells,
    covering,
    errata,
    exercises,
    inventory,
    library,
    load,
    numbers,
    origins,
    proofs,
    section,
    summary,
    verdicts,
)
from nndl_book.anchors import anchor
from notebooks import ROOT
from tables import FILTER, code, grouped, lines, natural, table

SOURCES = {
    "001": "The chapter",
    "000": "Notes on the chapter",
    "002": "Lecture notes",
    "003": "Questions and answers",
    "004": "Slides",
}
MARKS = {"holds": "✓&nbsp;holds", "fails": "✗&nbsp;fails", "depends": "~&nbsp;depends", "cited": "”&nbsp;cited"}
GRADES = {
    "A": "a wrong result, formula or number",
    "B": "misleading, outdated, or true only under a condition",
    "C": "a misprint, a label, a reference, a notation",
    "X": "the source texts contradict each other",
}
PROOFS = {
    "computed": "computed",
    "derived": "derived",
    "read": "the cited work was read",
    "memory": "from memory: the cited work was not read again",
}


def sources(entry):
    """Where the source texts have an entry: `The chapter, 1.2.1`."""
    return f"{', '.join(map(SOURCES.get, origins(entry)))}: {entry['where']}"


# --- exercises/index


def index():
    yield "# All exercises\n"
    yield (
        "Each has a full solution, and many a `check` that tells you whether your answer is right before you look. "
        "★ needs one step from the page, ★★ several steps or a short program, ★★★ a proof or an experiment of your "
        "own. *Pencil* is a calculation or a proof, *code* a program, *predict, then run* a bet.\n"
    )
    yield "## Of the chapter and its final edition\n"
    yield "With their numbers in the draft and in the final edition of the chapter that this book follows.\n"
    own = {exercise.place.page: exercise for exercise in exercises() if exercise.number is None}
    rows = [
        (row["draft"] or "–", row["final"] or "–", exercise.place.link(exercise.place.title), exercise.kind,
         "★" * exercise.level)
        for row in load("editions.yml")["exercises"]
        for exercise in [own[row["page"]]]
    ]  # fmt: skip
    yield table(("draft", "final edition", "exercise", "kind", "level"), rows)
    yield "## By section\n"
    yield FILTER
    for title, group in grouped(exercises(), lambda exercise: section(exercise.place.page)):
        yield f"### {title}\n"
        rows = [(lines(named(e), f"{e.kind} {'★' * e.level}"), e.says) for e in group]
        yield table(("exercise", "how it begins"), rows)
    for title, key in [("By level", lambda e: "★" * e.level), ("By kind", lambda e: e.kind)]:
        yield f"## {title}\n"
        for value, group in sorted(grouped(exercises(), key), key=lambda item: (-len(item[1]), item[0])):
            yield f"**{value}** ({len(group)}): " + " · ".join(map(named, group)) + "\n"


def named(exercise):
    title = exercise.place.title.split(":")[0]
    if exercise.number is None:
        return exercise.place.link(title)
    return replace(exercise.place, slug="exercises").link(f"{title} {exercise.number}")


# --- appendix


def ledger():
    counts, says = Counter(outcome for _, outcome, _, _ in verdicts()), load("claims.yml")
    yield "# Ledger of claims\n"
    yield (
        "Every claim of the source texts that this book tests or cites, in our words, with the outcome and the "
        "evidence that its cell showed when the page was last stored. Conditions are marked ✓ and ✗ one by one; "
        "intervals are in brackets. A cell whose outcome is no longer the stated one fails, and the book is not "
        "built.\n"
    )
    yield ", ".join(f"**{counts[outcome]}** {outcome}" for outcome in MARKS) + f"; {len(verdicts())} verdicts.\n"
    yield FILTER
    for title, rows in grouped(verdicts(), lambda row: section(row[3].page)):
        yield f"## {title}\n"
        body = [
            (MARKS[outcome], lines(claimed(inventory()[claim], says[claim]), " ".join(f"`{item}`" for item in evidence),
                                   place.anchored(claim, f"<code>{claim}</code>")))
            for claim, outcome, evidence, place in rows
        ]  # fmt: skip
        yield table(("outcome", "claim, evidence and cell"), body)


def claimed(entry, says):
    there = f'<a href="concordance.html#item-{entry["id"]}">{sources(entry)}</a>'
    return f"{says} ({there})"


def mistakes():
    kept = [entry for entry in errata().values() if "withdrawn" not in entry]
    counts = Counter(entry["grade"] for entry in kept)
    yield "# Errata of the source texts\n"
    yield (
        "What a reader of the five source texts should correct with a pencil. Each place was opened again before it "
        "was listed. Where a test is named, it passes for the right form and fails for the printed one.\n"
    )
    yield "\n".join(f"- **{grade}**, {says}: {counts[grade]}" for grade, says in GRADES.items()) + "\n"
    yield (
        f"In all {len(kept)}, of which {sum(entry['id'] in proofs() for entry in kept)} are proved by a test. What "
        "rests on a work that was not read again is marked as from memory.\n"
    )
    yield FILTER
    for title, group in grouped(kept, lambda entry: SOURCES[entry["source"][0]]):
        yield f"## {title}\n"
        rows = [
            (f"<span id=\"{e['id']}\"></span>{e['place']}<br>**{e['grade']}**",
             lines(f"✗ {e['printed']}", f"✓ {e['right']} {e['why']}", evidence(e)))
            for e in sorted(group, key=lambda e: natural(e["place"]))
        ]  # fmt: skip
        yield table(("place", "printed, right, and why"), rows)
    withdrawn = [entry for entry in errata().values() if "withdrawn" in entry]
    if withdrawn:
        yield "## Withdrawn\n"
        yield "What looked like a mistake at first, and is none that these texts deserve to be blamed for.\n"
        rows = [
            (lines(SOURCES[e["source"][0]], str(e["place"])), lines(e["printed"], f"✓ {e['withdrawn']}"))
            for e in withdrawn
        ]
        yield table(("place", "what looked wrong, and why it stays"), rows)


def evidence(entry):
    test = proofs().get(entry["id"])
    known = [place for e in inventory().values() for place in covering()[e["id"]] if entry["id"] in mentioned(e)]
    places = [place.link() for place in known]
    if not any(entry.get("page") == place.page for place in known) and entry.get("page"):
        places.insert(0, page_link(entry["page"]))
    works = [f"[work]({url})" for url in entry.get("works") or ()]
    return "; ".join([PROOFS[entry["proof"]], *([f"`{test}`"] if test else []), *works, *dict.fromkeys(places[:2])])


def mentioned(entry):
    """The mistakes that an entry of the inventory names."""
    return [mistake for mistake in (entry["erratum"], *(entry.get("errata_more") or ())) if mistake]


def glossary():
    yield "# Glossary\n"
    yield "Terms in English and Chinese, what they mean in one sentence, and where they stand.\n"
    yield FILTER
    rows = [
        (lines(f"**{word['term']}**", word["zh"]), lines(word["meaning"], covering()[entry][0].link()))
        for entry, word in sorted(load("glossary.yml").items(), key=lambda item: item[1]["term"].lower())
    ]
    yield table(("term", "meaning and place"), rows)


def concordance():
    yield "# Concordance\n"
    yield "For readers who own one of the source texts: where each of its items stands in this book.\n"
    yield FILTER
    yield "## The final edition of the chapter\n"
    yield (
        "Its sections, after readers' notes on the print of 2020; its exercises are in the "
        "[index of exercises](../exercises/index.md).\n"
    )
    rows = [(row["section"], row["content"], ", ".join(map(page_link, row["pages"]))) for row in
            load("editions.yml")["sections"]]  # fmt: skip
    yield table(("there", "content", "here"), rows)
    anchored = set()
    for seed, title in SOURCES.items():
        yield f"## {title}\n"
        items = [entry for entry in inventory().values() if seed in origins(entry)]
        rows = [
            (item_anchor(entry["id"], anchored) + str(entry["where"]), entry["title_en"] or entry["id"],
             links(entry["id"]))
            for entry in sorted(items, key=lambda entry: natural(entry["where"]))
        ]  # fmt: skip
        yield table(("there", "item", "here"), rows)


def item_anchor(entry, known):
    """An anchor for an item where it stands first."""
    new = entry not in known
    known.add(entry)
    return f'<span id="item-{entry}"></span>' if new else ""


def page_link(page):
    title = next(place.title for _, place in cells() if place.page == page)
    return f"[{title.split(':')[0]}](../{page})"


def links(entry):
    return ", ".join(dict.fromkeys(place.link() for place in covering()[entry]))


def equations():
    yield "# Index of equations\n"
    yield (
        "Numbers (1.n) are those of the chapter that this book follows; a letter marks what the book adds. Functions "
        "name the numbers that they compute; tests are the files that call them.\n"
    )
    yield FILTER
    functions = defaultdict(list)
    for function in library():
        for number in function.numbers:
            functions[number].append(function)
    for title, group in grouped(numbers(), lambda row: section(row[1].page)):
        yield f"## {title}\n"
        rows = [
            (f"({number})", place.anchored(anchor("equation", number)), code(f.name for f in functions[number]),
             code(dict.fromkeys(test for f in functions[number] for test in own_tests(f))))
            for number, place in group
        ]  # fmt: skip
        yield table(("equation", "page", "functions", "tests"), rows)


def own_tests(function):
    """The test files of a function: that of its module, where it is called there, else the first two that call it."""
    own = f"test_{function.module.split('.')[-1]}.py"
    return [own] if own in function.tests else function.tests[:2]


def api():
    yield "# Reference of the library\n"
    yield "What each public function does, the equations that it computes, and the work it follows.\n"
    yield FILTER
    for module, functions in grouped(library(), lambda function: function.module):
        yield f"## {module}\n"
        rows = [
            (f"`{f.name}`", lines(f"`{f.signature}`", f.says, " ".join(f"({n})" for n in f.numbers), f.source))
            for f in functions
        ]
        yield table(("function", "what it does, its equations and source"), rows)


PAGES = {
    "exercises/index": index,
    "appendix/ledger": ledger,
    "appendix/errata": mistakes,
    "appendix/glossary": glossary,
    "appendix/concordance": concordance,
    "appendix/equations": equations,
    "appendix/api": api,
}


def main():
    for page, write in PAGES.items():
        file, text = ROOT / f"{page}.md", "\n".join(write())
        if not file.exists() or file.read_text(encoding="utf8") != text:
            file.write_text(text, encoding="utf8")
    print("\n".join(summary()))


if __name__ == "__main__":
    main()

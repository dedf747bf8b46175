"""Write the back matter that follows from the inventory, the notebooks and the library, so that nothing is typed twice.

The pages (`PAGES`, in appendix/) are written before each build and are not kept in the repository: the ledger of
claims, the index of equations, the glossary, the concordance with the source texts, the reference of the library.
"""

import ast
import re
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors.index import slugify
from mdit_py_plugins.dollarmath import dollarmath_plugin
from notebooks import ROOT, name, notebooks, read

sys.path.insert(0, str(ROOT / "_ext"))
from nndl_book.anchors import NUMBER, TAG  # noqa: E402

APPENDIX = ROOT / "appendix"
PAGES = ("ledger", "equations", "glossary", "concordance", "api")
SOURCES = {
    "001": "The chapter",
    "000": "Notes on the chapter",
    "002": "Lecture notes",
    "003": "Questions and answers",
    "004": "Slides",
}
MARKS = {"holds": "✓ holds", "fails": "✗ fails", "depends": "~ depends", "cited": "” cited"}
MARKDOWN = MarkdownIt().use(dollarmath_plugin)


@dataclass(frozen=True)
class Place:
    """A cell of the book: its notebook, the heading above it and that heading's anchor."""

    page: str
    title: str
    heading: str
    slug: str

    def link(self, text=None, *, anchor=None):
        label = text or (self.title if self.heading == self.title else f"{self.title}: {self.heading}")
        return f"[{label}](../{self.page}#{anchor or self.slug})"


@cache
def cells():
    """Each cell of the book with its place, in the order of the contents."""
    order = [page["file"] for page in contents(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8")))]
    known = {name(path).removesuffix(".ipynb"): path for path in notebooks()}
    found = []
    for path in (known[page] for page in order if page in known):
        title, heading, slug, seen = None, None, None, Counter()
        for cell in read(path).cells:
            for text, own in headings(cell):
                title, heading = title or text, text
                slug = f"{own}-{seen[own]}" if seen[own] else own
                seen[own] += 1
            found.append((cell, Place(name(path), title, heading, slug)))
    return found


def contents(part):
    """The pages of the table of contents, one after the other."""
    if "file" in part:
        yield part
    for key in ("parts", "chapters", "sections"):
        for inner in part.get(key, ()):
            yield from contents(inner)


def headings(cell):
    """The headings of a Markdown cell down to the third level as (text, anchor), as the site names them."""
    tokens = MARKDOWN.parse(cell.source) if cell.cell_type == "markdown" else []
    for i, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag in ("h1", "h2", "h3"):
            inline = tokens[i + 1]
            shown = [child.content for child in inline.children if child.type in ("text", "code_inline")]
            yield inline.content, slugify("".join(shown))


@cache
def inventory():
    """The entries of the inventory by id."""
    entries = yaml.safe_load((APPENDIX / "inventory.yml").read_text(encoding="utf8"))
    return {entry["id"]: entry for entry in entries}


@cache
def covering():
    """The places that deliver each entry of the inventory."""
    places = {entry: [] for entry in inventory()}
    for cell, place in cells():
        for entry in cell.metadata.get("covers", ()):
            places[entry].append(place)
    return places


def verdicts():
    """Each stored verdict as (claim, outcome, evidence, place)."""
    for cell, place in cells():
        for output in cell.get("outputs", ()):
            text = output.get("data", {}).get("text/plain", "")
            if match := re.match(r"[✓✗~”] (\w+)  (claim-\S+)(?:  )?(.*)", text, re.DOTALL):
                yield match[2], match[1], match[3].split("  "), place


def table(head, rows):
    """A Markdown table; bars inside formulas and text are written so that they do not end a column."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(column, line)) + " |" for line in lines) + "\n"


def column(text):
    """Text for one column of a table."""
    parts = re.split(r"(\$[^$]*\$)", " ".join(str(text).split()))
    bars = [(r"\\\|", r"\\Vert "), (r"\|", r"\\vert ")]
    for i, part in enumerate(parts):
        for bar, word in bars if i % 2 else [(r"\|", r"\\|")]:
            part = re.sub(bar, word, part)
        parts[i] = part
    return "".join(parts)


def sources(entry):
    """Where the source texts have an entry: `The chapter, 1.2.1`."""
    seeds = entry["seed"] if isinstance(entry["seed"], list) else [entry["seed"]]
    return f"{', '.join(SOURCES[seed] for seed in seeds)}: {entry['where']}"


def ledger():
    found = list(verdicts())
    counts = Counter(outcome for _, outcome, _, _ in found)
    yield "# Ledger\n"
    yield (
        "Every claim of the source texts that this book tests or cites, with the outcome and the evidence that its "
        "cell showed when the page was last stored. A claim that depends does so on the conditions marked ✓ and ✗.\n"
    )
    yield ", ".join(f"{counts[outcome]} {outcome}" for outcome in MARKS) + f"; {len(found)} verdicts in all.\n"
    for section, rows in grouped(found).items():
        yield f"## {section}\n"
        body = [
            (place.link(f"`{claim}`", anchor=claim), inventory()[claim]["statement"], MARKS[outcome],
             "<br>".join(f"`{item}`" for item in evidence), sources(inventory()[claim]))
            for claim, outcome, evidence, place in rows
        ]  # fmt: skip
        yield table(("claim", "what is claimed", "outcome", "evidence", "source"), body)


def grouped(found):
    """Verdicts by the title of the folder's index page."""
    groups = defaultdict(list)
    for row in found:
        groups[section(row[3].page)].append(row)
    return groups


@cache
def section(page):
    index = ROOT / Path(page).parent / "index.md"
    return index.read_text(encoding="utf8").splitlines()[0].lstrip("# ") if index.exists() else "Exercises"


def equations():
    yield "# Index of equations\n"
    yield (
        "Numbers (1.n) are those of the chapter that this book follows; a letter marks what the book adds. Functions "
        "name the numbers that they compute; tests are the files that call them.\n"
    )
    functions = defaultdict(list)
    for function in library():
        for number in function.numbers:
            functions[number].append(function)
    groups = defaultdict(list)
    for cell, place in cells():
        for number in TAG.findall(cell.source if cell.cell_type == "markdown" else ""):
            tests = sorted({test for function in functions[number] for test in function.tests})
            groups[section(place.page)].append(
                (f"({number})", place.link(), code(f.name for f in functions[number]), code(tests))
            )
    for title, rows in groups.items():
        yield f"## {title}\n"
        yield table(("equation", "page", "functions", "tests"), rows)


def code(names):
    return ", ".join(f"`{word}`" for word in names)


@dataclass(frozen=True)
class Function:
    """A public function or class of the library, with what its docstring and its comments say."""

    module: str
    name: str
    signature: str
    says: str
    numbers: tuple
    source: str
    tests: tuple


@cache
def library():
    """The public functions of the library, module by module."""
    tests = {path.name: path.read_text(encoding="utf8") for path in sorted((ROOT / "tests").glob("test_*.py"))}
    found = []
    for path in sorted((ROOT / "nndl_lib").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if ".checks" in module or ".data." in module:
            continue
        text = path.read_text(encoding="utf8")
        for node in ast.parse(text).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and (says := ast.get_docstring(node)):
                found.append(described(module, node, says, ast.get_source_segment(text, node), tests))
    return found


def described(module, node, says, text, tests):
    numbers = tuple(dict.fromkeys(re.findall(rf"\(({NUMBER})\)", text)))
    source = re.search(r"Source: (.*?)(?=\n\n|(?:Raises|Differs|Constants): |\Z)", says, re.DOTALL)
    called = tuple(file for file, body in tests.items() if re.search(rf"\b{node.name}\b", body))
    arguments = f"({ast.unparse(node.args)})" if isinstance(node, ast.FunctionDef) else ""
    return Function(
        module, node.name, node.name + arguments, says.splitlines()[0], numbers, source[1] if source else "", called
    )


def api():
    yield "# Reference of the library\n"
    yield "What each public function does, the equations that it computes, and the work it follows.\n"
    modules = defaultdict(list)
    for function in library():
        modules[function.module].append(function)
    for module, functions in modules.items():
        yield f"## {module}\n"
        rows = [(f"`{f.signature}`", f.says, " ".join(f"({n})" for n in f.numbers), f.source) for f in functions]
        yield table(("function", "what it does", "equations", "source"), rows)


def glossary():
    yield "# Glossary\n"
    yield "Terms in English and Chinese, what they mean in one sentence, and where they stand.\n"
    terms = [entry for entry in inventory().values() if entry["kind"] in ("definition", "method")]
    rows = [
        (f"**{entry['title_en']}**", entry["title_zh"], entry["statement"], covering()[entry["id"]][0].link())
        for entry in sorted(terms, key=lambda entry: entry["title_en"].lower())
        if covering()[entry["id"]]
    ]
    yield table(("term", "中文", "meaning", "place"), rows)


def concordance():
    yield "# Concordance\n"
    yield "For readers who own one of the source texts: where each of its items stands in this book.\n"
    for seed, title in SOURCES.items():
        yield f"## {title}\n"
        items = [entry for entry in inventory().values() if seed in entry["seed"]]
        rows = [
            (entry["where"], entry["title_en"] or entry["id"], links(entry["id"]) or "–")
            for entry in sorted(items, key=lambda entry: natural(entry["where"]))
        ]
        yield table(("there", "item", "here"), rows)


def links(entry):
    return ", ".join(dict.fromkeys(place.link() for place in covering()[entry]))


def natural(where):
    """A key that sorts 1.10 behind 1.9."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", str(where))]


def main():
    for page in PAGES:
        text = "\n".join(globals()[page]())
        file = APPENDIX / f"{page}.md"
        if not file.exists() or file.read_text(encoding="utf8") != text:
            file.write_text(text, encoding="utf8")
    print(f"wrote {', '.join(PAGES)}: {sum(map(bool, covering().values()))} of {len(inventory())} entries covered")


if __name__ == "__main__":
    main()

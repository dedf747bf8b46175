"""Read the book: its cells in the order of the contents, what they deliver, and what the library and the tests say.

The pages of the appendix that are generated (backmatter.py), the summary of `make test` and several tests use it.
"""

import ast
import re
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path

import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors.index import slugify
from mdit_py_plugins.dollarmath import dollarmath_plugin
from notebooks import ROOT, name, notebooks, read

sys.path.insert(0, str(ROOT / "_ext"))
from nndl_book.anchors import NUMBER, TAG  # noqa: E402

APPENDIX = ROOT / "appendix"
MARKDOWN = MarkdownIt().use(dollarmath_plugin)
VERDICT = re.compile(r"[✓✗~”] (\w+)  (claim-\S+)(?:  )?(.*)", re.DOTALL)
EXERCISE = re.compile(r"(?:\*\*(?P<number>\d+)|> \*\*Exercise) \((?P<kind>[^)]+), (?P<level>★+)\)\.\*\* (?P<says>.*)")
CASE = re.compile(r'@(?:erratum|number)\("(err-[\w.-]+)"')


@dataclass(frozen=True)
class Place:
    """A cell of the book: its notebook, the heading above it and that heading's anchor."""

    page: str
    title: str
    heading: str
    slug: str

    @property
    def label(self):
        return self.title if self.heading == self.title else f"{self.title}: {self.heading}"

    def link(self, text=None):
        """A Markdown link to the heading, from a page one folder below the project's."""
        return f"[{text or self.label}](../{self.page}#{self.slug})"

    def anchored(self, anchor, html=None):
        """A link to what MyST does not know as a target, an equation or an output: written in HTML."""
        return f'<a href="../{self.page.removesuffix(".ipynb")}.html#{anchor}">{html or escape(self.label)}</a>'


@dataclass(frozen=True)
class Exercise:
    """An exercise with its kind (pencil, code...), its level (1 to 3), its first sentence and its place."""

    number: str | None
    kind: str
    level: int
    says: str
    place: Place


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


def load(file):
    return yaml.safe_load((APPENDIX / file).read_text(encoding="utf8"))


@cache
def inventory():
    """The entries of the inventory by id."""
    return {entry["id"]: entry for entry in load("inventory.yml")}


def origins(entry):
    """The numbers of the source texts that have an entry."""
    return entry["seed"] if isinstance(entry["seed"], list) else [entry["seed"]]


@cache
def errata():
    """The mistakes of the source texts by id."""
    return {entry["id"]: entry for entry in load("errata.yml")}


@cache
def proofs():
    """The files of tests/errata that test a mistake, by its id."""
    found = {}
    for file in sorted((ROOT / "tests" / "errata").glob("*.py")):
        for entry in CASE.findall(file.read_text(encoding="utf8")):
            found.setdefault(entry, name(file))
    return found


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
def section(page):
    """The section that a page belongs to: the title of a chapter's index page, elsewhere the folder's name."""
    folder = Path(page).parent
    if folder.parent.name != "chapters":
        return folder.name.capitalize()
    return (ROOT / folder / "index.md").read_text(encoding="utf8").splitlines()[0].lstrip("# ")


@cache
def covering():
    """The places that deliver each entry of the inventory."""
    places = {entry: [] for entry in inventory()}
    for cell, place in cells():
        for entry in cell.metadata.get("covers", ()):
            places[entry].append(place)
    return places


@cache
def verdicts():
    """Each stored verdict as (claim, outcome, evidence, place)."""
    found = []
    for cell, place in cells():
        for output in cell.get("outputs", ()):
            if match := VERDICT.match(output.get("data", {}).get("text/plain", "")):
                found.append((match[2], match[1], match[3].split("  "), place))
    return found


@cache
def numbers():
    """The number of each equation and its place, in the order of the book."""
    markdown = [(cell.source, place) for cell, place in cells() if cell.cell_type == "markdown"]
    return [(number, place) for source, place in markdown for number in TAG.findall(source)]


@cache
def exercises():
    """The exercises of the book in its order."""
    markdown = [(cell.source, place) for cell, place in cells() if cell.cell_type == "markdown"]
    return [
        Exercise(match["number"], match["kind"], len(match["level"]), first_sentence(match["says"]), place)
        for source, place in markdown
        for match in EXERCISE.finditer(source)
    ]


def first_sentence(text):
    """Up to the first full stop, question mark or colon outside a formula."""
    return re.match(r"(?:\$[^$]*\$|[^$.?:]|[.?:](?!\s|$))*[.?:]?", text)[0].rstrip(":")


@cache
def library():
    """The public functions of the library, module by module."""
    tests = {path.name: path.read_text(encoding="utf8") for path in sorted((ROOT / "tests").glob("test_*.py"))}
    found = []
    for path in sorted((ROOT / "nndl_lib").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if ".checks." in module or ".data." in module:
            continue
        text = path.read_text(encoding="utf8")
        for node in ast.parse(text).body:
            public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
            if public and (says := ast.get_docstring(node)):
                found.append(described(module, node, says, ast.get_source_segment(text, node), tests))
    return found


def described(module, node, says, text, tests):
    marked = tuple(dict.fromkeys(re.findall(rf"\(({NUMBER})\)", text)))
    source = re.search(r"Source: (.*?)(?=\n\n|(?:Raises|Differs|Constants): |\Z)", says, re.DOTALL)
    called = tuple(file for file, body in tests.items() if re.search(rf"\b{node.name}\b", body))
    arguments = f"({ast.unparse(node.args)})" if isinstance(node, ast.FunctionDef) else ""
    return Function(
        module, node.name, node.name + arguments, says.splitlines()[0], marked, source[1] if source else "", called
    )


def summary():
    """The counts of the book, one line each."""
    outcomes = Counter(outcome for _, outcome, _, _ in verdicts())
    kept = [entry for entry, mistake in errata().items() if "withdrawn" not in mistake]
    yield f"entries of the inventory covered: {sum(map(bool, covering().values()))} of {len(inventory())}"
    yield f"claims: {sum(outcomes.values())} verdicts: {', '.join(f'{n} {o}' for o, n in outcomes.most_common())}"
    yield f"errata: {len(kept)} published, {sum(entry in proofs() for entry in kept)} of them proved by a test"
    yield f"equations: {len(numbers())}"
    yield f"exercises: {len(exercises())}"

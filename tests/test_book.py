"""The rules that every notebook of the book keeps. Each test is a sentence about the book and lists what breaks it."""

import ast
import io
import re
import statistics
import tokenize
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
import yaml
from backmatter import PAGES
from markdown_it import MarkdownIt
from nndl_book.anchors import CAPTION, NUMBER, TAG
from notebooks import notebooks
from repository import colab_line, configured

ROOT = Path(__file__).resolve().parents[1]

# A section listed here must be complete: its numbers, its entries of the inventory, its claims.
FINISHED = {"foundations", "difficulties", "optimizers", "initialization", "preprocessing", "normalization"}
FINISHED |= {"hpo", "regularization"}
# The equations (1.n) of the source chapter and the letter of the numbers that the book adds, by section.
NUMBERS = {
    "foundations": (range(0), "F"),
    "difficulties": (range(0), "D"),
    "optimizers": (range(1, 26), "O"),
    "initialization": (range(26, 38), "I"),
    "preprocessing": (range(38, 42), "P"),
    "normalization": (range(42, 58), "N"),
    "hpo": (range(58, 59), "H"),
    "regularization": (range(59, 68), "R"),
}

LINES, MEDIAN = 15, 6
RAW = re.compile(r"^:::|^```\{|^\([\w.-]+\)=", re.MULTILINE)
MENTIONED = re.compile(rf"\(({NUMBER})\)")
COMMENT = re.compile(rf"#(?: ?\({NUMBER}\)[,-]?)+|# Source: .*")
DRAWS = re.compile(r"\b(?:plt|plots)\.\w+\(")
FORBIDDEN = re.compile(r"(?i:\bsessions?\b)|/work/|\.\./shared|\bTODO\b")
TEXTS = ("*.md", "*.py", "*.ipynb", "*.yml", "*.toml", "*.txt", "*.bib", "*.cff", "*.css", "Makefile", "run")
SKIPPED = {".venv", ".git", "_build", "node_modules", "mathjax", "build", "test_book.py"}


@dataclass
class Notebook:
    path: Path

    @cached_property
    def name(self):
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def cells(self):
        return nbformat.read(self.path, as_version=4).cells

    @cached_property
    def code(self):
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @cached_property
    def markdown(self):
        return "\n\n".join(cell.source for cell in self.cells if cell.cell_type == "markdown")

    @cached_property
    def inline(self):
        return [token for block in MarkdownIt().parse(self.markdown) for token in block.children or ()]

    @cached_property
    def links(self):
        return [token.attrs["href"] for token in self.inline if token.type == "link_open"]

    def line(self, cell):
        """A cell's first line after the notebook's name, for a message."""
        return f"{self.name}: {(cell.source.strip() or '(empty)').splitlines()[0]}"


@pytest.fixture(scope="module")
def book():
    return [Notebook(path) for path in notebooks()]


@pytest.fixture(scope="module")
def inventory():
    return yaml.safe_load((ROOT / "appendix" / "inventory.yml").read_text(encoding="utf8"))


def no(offenders):
    """Fail with the list of what breaks a rule, one a line."""
    if offenders:
        pytest.fail("\n".join(str(offender) for offender in offenders), pytrace=False)


def finished(inventory):
    return {entry["id"] for entry in inventory if entry["chapter"] in FINISHED}


def lines(cell):
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def tags(book):
    return [tag for notebook in book for tag in TAG.findall(notebook.markdown)]


def figures(cell):
    """How many figures a cell shows, by its stored text; by its source where it was not run."""
    if cell.execution_count is None:
        return int(bool(DRAWS.search(cell.source)))
    return sum(output.get("data", {}).get("text/plain", "").startswith("<Figure") for output in cell.outputs)


def in_finished_section(number):
    """Whether a number such as 1.15 or O.3 belongs to a finished section."""
    first, last = number.split(".")
    ranges = [NUMBERS[section] for section in FINISHED]
    return any(first == letter or first == "1" and int(last.rstrip("abcd")) in known for known, letter in ranges)


# --- plain Markdown


def test_notebooks_hold_no_markup_that_colab_shows_raw(book):
    no([f"{n.name}: {raw}" for n in book for raw in [*RAW.findall(n.markdown), *roles(n.inline)]])


def roles(tokens):
    """Words in braces right before a code span."""
    pairs = [(token.content, after) for token, after in pairwise(tokens) if after.type == "code_inline"]
    return [f"{before}`{code.content}`" for before, code in pairs if re.search(r"\{[\w:-]+\}$", before)]


def test_cell_metadata_is_covers_and_tags_only(book):
    no([n.line(c) for n in book for c in n.cells if not set(c.metadata) <= {"covers", "tags"}])


def test_nothing_speaks_of_how_the_book_was_made():
    files = [f for pattern in TEXTS for f in ROOT.rglob(pattern) if not SKIPPED & set(f.parts)]
    found = {f.relative_to(ROOT).as_posix(): FORBIDDEN.findall(f.read_text(encoding="utf8")) for f in files}
    no([(file, words) for file, words in found.items() if words])


# --- numbers


def test_each_equation_number_stands_once_in_the_book(book):
    no([tag for tag in set(tags(book)) if tags(book).count(tag) > 1])


def test_each_figure_and_table_number_stands_once_in_the_book(book):
    numbers = [number for n in book for number in CAPTION.findall(n.markdown)]
    no([number for number in set(numbers) if numbers.count(number) > 1])


def test_a_display_has_at_most_one_number(book):
    displays = (display for n in book for display in re.findall(r"\$\$(.*?)\$\$", n.markdown, re.DOTALL))
    no([display for display in displays if len(TAG.findall(display)) > 1])


def test_a_finished_section_has_all_its_numbers(book):
    wanted = {f"1.{n}" for section in FINISHED for n in NUMBERS[section][0]}
    no(sorted(wanted - set(tags(book))))


def test_the_library_names_only_equations_that_the_book_has(book):
    known, missing = set(tags(book)), []
    for file in sorted((ROOT / "nndl_lib").rglob("*.py")):
        text = file.read_text(encoding="utf8")
        docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if hasattr(node, "body")
                      and isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)]  # fmt: skip
        for number in MENTIONED.findall("\n".join([*re.findall(r"#.*", text), *docstrings])):
            if number not in known and in_finished_section(number):
                missing.append(f"{file.name}: ({number})")
    no(missing)


def test_the_text_names_only_equations_that_the_book_has(book):
    known = set(tags(book))
    no(
        [
            f"{n.name}: ({number})"
            for n in book
            for number in MENTIONED.findall(n.markdown)
            if number not in known and in_finished_section(number)
        ]
    )


# --- coverage


def test_each_entry_of_a_finished_section_is_covered(book, inventory):
    covered = {entry for n in book for cell in n.cells for entry in cell.metadata.get("covers", [])}
    no(sorted(finished(inventory) - covered))


def test_cells_cover_only_entries_of_the_inventory(book, inventory):
    known = {entry["id"] for entry in inventory}
    found = [(n.name, entry) for n in book for cell in n.cells for entry in cell.metadata.get("covers", [])]
    no([(name, entry) for name, entry in found if entry not in known])


def test_each_claim_of_a_finished_section_has_a_verdict(book, inventory):
    judged = {claim for n in book for cell in n.code for claim in verdicts(cell)}
    no(sorted(entry for entry in finished(inventory) - judged if entry.startswith("claim-")))


def verdicts(cell):
    """The claims that a cell judges: the first arguments of its calls of `verdict`."""
    for node in ast.walk(ast.parse(cell.source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "verdict" and node.args:
            yield getattr(node.args[0], "value", None)


# --- links


def test_the_table_of_contents_and_the_files_agree(book):
    toc = {f"{page}.md" for page in re.findall(r"file: (\S+)", (ROOT / "_toc.yml").read_text(encoding="utf8"))}
    toc = {page if (ROOT / page).exists() else page.removesuffix("md") + "ipynb" for page in toc}
    pages = {n.name for n in book} | {p.relative_to(ROOT).as_posix() for p in ROOT.glob("chapters/*/index.md")}
    written = {f"{page}.{kind}" for page in PAGES for kind in ("md", "ipynb")}
    no([f"in the contents, but no file: {page}" for page in toc - written if not (ROOT / page).exists()])
    no([f"a file, but not in the contents: {page}" for page in pages - toc])


def test_links_to_files_lead_to_files(book):
    local = [(n, link) for n in book for link in n.links if not re.match(r"\w+:|#", link)]
    no([(n.name, link) for n, link in local if not (n.path.parent / link.split("#")[0]).exists()])


def test_works_are_linked_by_the_address_in_the_bibliography(book):
    linked = {(n.name, link) for n in book for link in n.links if link.startswith("http")}
    no(sorted((name, link) for name, link in linked if link not in addresses()))


def test_each_work_of_the_bibliography_is_linked_from_a_notebook(book):
    linked = {link for n in book for link in n.links}
    no(sorted(addresses() - linked) if FINISHED else [])


def addresses():
    return set(re.findall(r"^\s*url = \{(.*?)\}", (ROOT / "references.bib").read_text(encoding="utf8"), re.MULTILINE))


# --- code cells


def test_code_cells_have_at_most_fifteen_lines(book):
    no([n.line(c) for n in book for c in n.code if lines(c) > LINES])


def test_the_median_code_cell_has_at_most_six_lines(book):
    assert statistics.median([lines(cell) for n in book for cell in n.code] or [0]) <= MEDIAN


def test_comments_in_code_are_equation_numbers_or_sources(book):
    found = [(n.name, comment) for n in book for cell in n.code for comment in comments(cell)]
    no([(name, comment) for name, comment in found if not COMMENT.fullmatch(comment)])


def comments(cell):
    tokens = tokenize.generate_tokens(io.StringIO(cell.source).readline)
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def test_random_numbers_come_from_one_seed(book):
    seed = "rng = np.random.default_rng(0)"
    used = [n for n in book if any(re.search(r"\brng\b", cell.source) for cell in n.code)]
    no([n.name for n in used if not any(seed in cell.source.splitlines() for cell in n.code)])


def test_the_first_cell_installs_the_library_on_colab_as_configured(book):
    start = ["import sys", colab_line(configured())]
    no([n.name for n in book if n.code[0].source.splitlines()[:2] != start])


# --- figures and outputs


def test_a_cell_shows_at_most_one_figure(book):
    no([n.line(c) for n in book for c in n.code if figures(c) > 1])


def test_a_figure_is_followed_by_its_caption(book):
    pairs = [(n, cell, after) for n in book for cell, after in zip(n.cells, [*n.cells[1:], None], strict=True)]
    drawn = [(n, cell, after) for n, cell, after in pairs if cell.cell_type == "code" and figures(cell)]
    no([n.line(cell) for n, cell, after in drawn if not (after and after.source.startswith("**Figure "))])


def test_a_caption_has_words_after_its_number(book):
    captions = [line for n in book for line in re.findall(r"^\*\*Figure .*", n.markdown, re.MULTILINE)]
    no([line for line in captions if not re.match(r"\*\*Figure [^*]+\.\*\* \S.{10,}", line)])


def test_each_code_cell_was_run(book):
    no([n.line(c) for n in book for c in n.code if c.execution_count is None])


def test_no_errors_and_no_messages_on_stderr_are_stored(book):
    outputs = [(n, c, output) for n in book for c in n.code for output in c.outputs]
    no([n.line(c) for n, c, o in outputs if o.output_type == "error" or o.get("name") == "stderr"])


def test_no_images_are_stored(book):
    kinds = [(n, c, kind) for n in book for c in n.code for o in c.outputs for kind in o.get("data", {})]
    no([n.line(c) for n, c, kind in kinds if kind.startswith("image/")])

"""The site's extension, tried on a small book: each thing that plain Markdown lacks, as a reader meets it on a page."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from nbformat import v4, write

ROOT = Path(__file__).resolve().parents[1]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WIDE = "iVBORw0KGgoAAAANSUhEUgAAAAMAAAABCAAAAAA+i0toAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC"
TOC = """format: jb-book
root: index
chapters:
  - file: momentum
  - file: adam
"""

PROSE = r"""# Momentum

The update is

$$\Delta\theta_t = \rho\,\Delta\theta_{t-1} - \alpha g_t \tag{1.15}$$

and in two lines

$$
\begin{aligned}
a &= b \\
c &= d
\end{aligned}
\tag{O.3}
$$

See (1.15), (1.19)-(1.20), Figure 1.4 and Table O.1.
The pair (7.5), the number (1.99) and Figure 9.9 are no numbers of this book.

> [!NOTE]
> A remark on (1.15).

> [!WARNING]
> A warning.
>
> $$ x^2 \tag{O.4} $$

> [!TIP]
>
> A hint.

> **Algorithm 1.1 (search).** Input: $f$.

> **Theorem (limit of $\rho$).** It is stable.

> **Definition.** A thing.

> A quotation.

<details><summary>Solution</summary>

It is **bold** and $x^3$.

</details>

[The other page](adam.ipynb) and [a heading there](adam.ipynb#the-second-page).
"""

ADAM = r"""# Adam

## The second page

$$ M_t = \beta_1 M_{t-1} \tag{1.19} $$

$$ G_t = \beta_2 G_{t-1} \tag{1.20} $$

Compare (1.15) and Figure 1.4 of the page before.
"""

CAPTION = r"""**Figure 1.4.** The path of (1.15) at $\rho = 0.9$ swings, e.g. twice. Read it from left to right.

Figure 1.4 shows one pixel."""

TABLE = """**Table O.1.** Two rules.

| a | b |
|---|---|
| 1 | 2 |
"""

COLAB = 'import sys\nif "google.colab" in sys.modules: raise ImportError("make repository URL=https://...")\n'


def code(source, **data):
    """A code cell with one stored output, its data by mime type."""
    data = {key.replace("_", "/"): value for key, value in data.items()}
    return v4.new_code_cell(source, execution_count=1, outputs=[v4.new_output("display_data", data)] if data else [])


def notebook(path, *cells):
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    write(v4.new_notebook(cells=list(cells), metadata={"kernelspec": kernel}), path)


def write_book(folder):
    """A book of two notebooks with the project's own configuration, outputs as stored."""
    config = (ROOT / "_config.yml").read_text(encoding="utf8")
    assert "execute_notebooks: cache" in config
    config = config.replace("execute_notebooks: cache", "execute_notebooks: off")
    config = re.sub(r"(repository:\n  url: ).*", r'\1"https://github.com/owner/name"', config)
    (folder / "_config.yml").write_text(config, encoding="utf8")
    (folder / "_toc.yml").write_text(TOC)
    (folder / "index.md").write_text("# A book\n\nBegin with Figure 1.4.\n")
    shutil.copytree(ROOT / "_ext", folder / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "references.bib", folder)
    notebook(
        folder / "momentum.ipynb",
        v4.new_markdown_cell(PROSE),
        code(COLAB + "x = 1"),
        code("show(momentum)", text_markdown="```python\nv = rho * v  # (1.15), (1.99)\n```", text_plain="v"),
        code("plt.show()", image_png=PIXEL, text_plain="<Figure>"),
        v4.new_markdown_cell(CAPTION),
        code("plots.axes(3)", image_png=WIDE, text_plain="<Figure>"),
        v4.new_markdown_cell("**Figure O.2.** Three panels."),
        v4.new_markdown_cell(TABLE),
        code("verdict()", text_html='<div class="verdict holds">✓ holds</div>', text_plain="✓ holds"),
    )
    notebook(folder / "adam.ipynb", v4.new_markdown_cell(ADAM), code(COLAB.strip()))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site; the build must pass without a warning."""
    folder = tmp_path_factory.mktemp("book")
    write_book(folder)
    command = [Path(sys.executable).parent / "jupyter-book", "build", ".", "-W", "--keep-going", "-n"]
    build = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert build.returncode == 0, build.stdout + build.stderr
    return folder / "_build" / "html"


@pytest.fixture(scope="module")
def page(site):
    """The article of the first page."""
    html = (site / "momentum.html").read_text(encoding="utf8")
    return html[html.index("<article") : html.index("</article>")]


def text(html):
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_a_tag_becomes_a_number_with_an_anchor(page):
    assert re.search(r'id="equation-1-15">\s*<span class="eqno">\(1\.15\)', page)


def test_no_tag_is_left_to_mathjax_not_even_in_two_lines_or_in_a_box(page):
    assert r"\tag" not in page
    assert 'id="equation-O-3"' in page and 'id="equation-O-4"' in page


def test_numbers_in_prose_link_to_equations_on_this_page_and_on_others(page):
    assert re.search(r'<a class="[^"]*" href="#equation-1-15">\(1\.15\)</a>', page)
    assert re.search(r'href="adam.html#equation-1-19">\(1\.19\)</a>-<a [^>]*href="adam.html#equation-1-20">', page)


def test_numbers_that_are_no_tags_stay_text(page):
    assert "The pair (7.5), the number (1.99) and Figure 9.9 are" in page


def test_figures_and_tables_are_linked_from_any_page(page, site):
    assert 'href="#figure-1-4">Figure 1.4</a>' in page and 'href="#table-O-1">Table O.1</a>' in page
    assert 'href="momentum.html#figure-1-4">Figure 1.4</a>' in (site / "adam.html").read_text(encoding="utf8")
    assert 'href="momentum.html#figure-1-4">Figure 1.4</a>' in (site / "index.html").read_text(encoding="utf8")


def test_numbers_in_shown_code_are_linked(page):
    assert '<span class="c1"># <a class="numbered" href="#equation-1-15">(1.15)</a>, (1.99)</span>' in page


def test_show_gives_a_highlighted_block(page):
    assert re.search(r'class="highlight-python notranslate".*?<span class="n">rho</span>', page, re.DOTALL)


@pytest.mark.parametrize(
    ("kind", "title", "body"),
    [("note", "Note", "A remark on (1.15) ."), ("warning", "Warning", "A warning."), ("tip", "Tip", "A hint.")],
)
def test_marked_quotes_become_boxes_with_a_title(page, kind, title, body):
    box = re.search(rf'<div class="admonition {kind}">(.*?)</div>', page, re.DOTALL)
    assert box and text(box[1]).startswith(f"{title} {body}") and "[!" not in page


def test_a_theorem_shows_its_name_as_the_title_of_a_box(page):
    box = re.search(r'<div class="statement theorem admonition">(.*?)</div>', page, re.DOTALL)
    assert text(box[1]) == r"Theorem (limit of \(\rho\) ) It is stable."


def test_an_algorithm_shows_its_number_in_the_title_of_a_box(page):
    box = re.search(r'<div class="statement algorithm admonition">(.*?)</div>', page, re.DOTALL)
    assert text(box[1]) == r"Algorithm 1.1 (search) Input: \(f\) ."


def test_a_theorem_without_a_name_is_a_box_too(page):
    box = re.search(r'<div class="statement definition admonition">(.*?)</div>', page, re.DOTALL)
    assert text(box[1]) == "Definition A thing."


def test_other_quotes_stay_quotes(page):
    assert [text(quote) for quote in re.findall(r"<blockquote>(.*?)</blockquote>", page, re.DOTALL)] == ["A quotation."]


def test_details_hold_rendered_markdown(page):
    fold = re.search(r"<details><summary>Solution</summary>(.*?)</details>", page, re.DOTALL)
    assert "<strong>bold</strong>" in fold[1] and r"\(x^3\)" in fold[1]


def test_links_between_notebooks_lead_to_pages_and_headings(page):
    assert 'href="adam.html"' in page and 'href="adam.html#the-second-page"' in page


def test_a_caption_is_marked_and_its_figure_has_the_anchor(page):
    assert re.search(r'class="[^"]*cell[^"]*" id="figure-1-4">', page)
    caption = re.search(r'<p class="figure-caption">(.*?)</p>', page, re.DOTALL)
    assert text(caption[1]).startswith("Figure 1.4. The path of") and caption[1].count("#figure-1-4") == 0


def test_the_first_sentence_of_the_caption_is_the_alt_text(page):
    assert 'alt="The path of (1.15) at rho = 0.9 swings, e.g. twice."' in page


def test_a_figure_of_several_panels_is_marked_as_wide(page):
    assert len(re.findall(r'class="wide"', page)) == 1 and page.count("<img ") == 2


def test_a_table_has_its_caption_and_anchor(page):
    assert re.search(r'<p class="table-caption" id="table-O-1">', page)


def test_the_colab_lines_are_not_shown_on_the_page_but_stay_in_the_download(page, site):
    assert "google.colab" not in page and '<span class="n">x</span>' in page
    assert "google.colab" in (site / "_sources" / "momentum.ipynb").read_text(encoding="utf8")


def test_results_in_html_are_shown_as_html(page):
    assert '<div class="verdict holds">✓ holds</div>' in page


def test_search_knows_the_words_of_the_notebooks(site):
    assert "swing" in (site / "searchindex.js").read_text(encoding="utf8")


def test_launch_buttons_lead_to_the_repository(site):
    html = (site / "momentum.html").read_text(encoding="utf8")
    assert "https://colab.research.google.com/github/owner/name/blob/main/momentum.ipynb" in html
    assert "https://mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/momentum.ipynb" in html


def test_mathjax_and_its_fonts_come_with_the_site(site):
    assert (site / "_static/mathjax/tex-chtml.js").exists()
    assert len(list((site / "_static/mathjax/output/chtml/fonts/woff-v2").glob("*.woff"))) == 23


def test_the_site_passes_its_own_check(site):
    from check_site import faults

    assert list(faults(site)) == []

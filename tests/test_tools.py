"""The commands behind the Makefile: what they write is right, and writing it twice changes nothing."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from check_site import Page, faults
from nbformat import v4
from nndl_book.cache import library_hash
from notebooks import read, run, run_all, write
from refresh import storable
from repository import colab_line, configured

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = "https://github.com/owner/name"
DRAWING = """import sys, matplotlib.pyplot as plt
print(1, flush=True)
print(2)
print("5%|#", file=sys.stderr)
plt.plot([1])
plt.show()"""


@pytest.fixture
def copy(tmp_path):
    """A copy of what `make repository` touches, with one notebook."""
    shutil.copy(ROOT / "_config.yml", tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    (tmp_path / "chapters").mkdir()
    cells = [v4.new_markdown_cell("# One"), v4.new_code_cell(f"import sys\n{colab_line(configured())}\nx = 1")]
    write(tmp_path / "chapters" / "one.ipynb", v4.new_notebook(cells=cells))
    return tmp_path


def set_address(folder, *url):
    command = [sys.executable, "tools/repository.py", *url]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def state(folder):
    return configured(folder), read(folder / "chapters" / "one.ipynb").cells[1].source


def test_the_address_is_written_to_the_configuration_and_the_notebooks(copy):
    assert set_address(copy, ADDRESS).returncode == 0
    line = f'if "google.colab" in sys.modules: get_ipython().system("pip install -q git+{ADDRESS}")'
    assert state(copy) == (ADDRESS, f"import sys\n{line}\nx = 1")


def test_the_address_can_be_set_again_and_taken_out(copy):
    set_address(copy, ADDRESS)
    set_address(copy, ADDRESS + "-2.git")
    assert state(copy) == (ADDRESS + "-2", f"import sys\n{colab_line(ADDRESS + '-2')}\nx = 1")
    set_address(copy, "none")
    assert state(copy) == ("", f"import sys\n{colab_line('')}\nx = 1")


def test_setting_the_same_address_twice_changes_no_byte(copy):
    set_address(copy, ADDRESS)
    before = [(copy / file).read_bytes() for file in ("_config.yml", "chapters/one.ipynb")]
    set_address(copy, ADDRESS)
    assert [(copy / file).read_bytes() for file in ("_config.yml", "chapters/one.ipynb")] == before


@pytest.mark.parametrize("url", ["", "github.com/owner/name", "https://github.com/owner", 'https://a.b/c/d"; x'])
def test_what_is_no_address_is_refused_and_changes_nothing(copy, url):
    before = state(copy)
    result = set_address(copy, url)
    assert result.returncode != 0 and "make repository URL=" in result.stderr and state(copy) == before


def test_a_refreshed_notebook_keeps_text_and_drops_images_and_stays_the_same(tmp_path):
    path = tmp_path / "one.ipynb"
    write(path, v4.new_notebook(cells=[v4.new_code_cell(DRAWING)]))
    write(path, storable(run(path)))
    first = path.read_bytes()
    cell = read(path).cells[0]
    stream, figure = cell.outputs
    assert stream.text == "1\n2\n" and list(figure.data) == ["text/plain"] and cell.execution_count == 1
    write(path, storable(run(path)))
    assert path.read_bytes() == first


def test_kernels_run_in_the_environment_of_the_project(tmp_path):
    path = tmp_path / "one.ipynb"
    write(path, v4.new_notebook(cells=[v4.new_code_cell("import sys\nprint(sys.executable)")]))
    assert run(path).cells[0].outputs[0].text.strip() == sys.executable


def test_a_change_in_the_library_changes_the_place_of_the_cache(tmp_path):
    (tmp_path / "nndl_lib").mkdir()
    module = tmp_path / "nndl_lib" / "a.py"
    module.write_text("x = 1")
    before = library_hash(tmp_path)
    assert library_hash(tmp_path) == before
    module.write_text("x = 2")
    assert library_hash(tmp_path) != before


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<script src="https://cdn.example/x.js"></script>', "loads from another host"),
        ("<p>**bold**</p>", "markup left over"),
        ("<p>[!NOTE] x</p>", "markup left over"),
        ("<p>the rate $a$ is</p>", "markup left over"),
        ('<img src="_images/a.png" alt="_images/a.png">', "image without alt text"),
        ('<img src="_images/a.png">', "image without alt text"),
        ('<a href="gone.html">x</a>', "link leads nowhere"),
        ('<a href="#gone">x</a>', "link leads nowhere"),
    ],
)
def test_the_check_of_the_site_finds(tmp_path, body, fault):
    (tmp_path / "index.html").write_text(f"<html><body>{body}</body></html>")
    assert {what.split(":")[0] for _, what in faults(tmp_path)} == {fault}


def test_the_check_of_the_site_leaves_code_formulas_and_other_sites_alone(tmp_path):
    good = '<pre>x ** 2, y ** 3</pre><span class="math">\\(**\\)</span>'
    good += '<a href="https://example.org">x</a><p id="a"></p><a href="#a">y</a>'
    (tmp_path / "index.html").write_text(good)
    assert list(faults(tmp_path)) == [] and Page(good).links == ["https://example.org", "#a"]


def test_a_kernel_that_does_not_start_gets_a_second_chance_and_a_failing_cell_none(monkeypatch):
    calls = []

    def unlucky(path):
        calls.append(path)
        if path == "cell" or calls.count(path) == 1:
            raise RuntimeError("Kernel died before replying to kernel_info" if path == "start" else "a cell failed")
        return path

    monkeypatch.setattr("notebooks.run", unlucky)
    (_, started), (_, failed) = run_all(["start", "cell"], 1)
    assert started == "start" and str(failed) == "a cell failed" and calls == ["start", "start", "cell"]

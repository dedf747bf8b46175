"""What the tools share: where the notebooks are, how one is run, how one is written."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("chapters", "exercises", "appendix")
CELL_LIMIT = 120
NO_START = "Kernel died before replying to kernel_info"  # it did not start: another process took its port
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python", "pygments_lexer": "ipython3"},
}


def notebooks(root=ROOT):
    """The paths of all notebooks of the book."""
    found = (path for folder in FOLDERS for path in (root / folder).rglob("*.ipynb"))
    return sorted(path for path in found if ".ipynb_checkpoints" not in path.parts)


def name(path, root=ROOT):
    """The path as a person writes it, from the project's folder."""
    return Path(path).resolve().relative_to(root).as_posix()


def read(path):
    return nbformat.read(path, as_version=4)


def write(path, notebook):
    """Write a notebook the same way each time; a file that would not change is left alone."""
    text = nbformat.writes(notebook) + "\n"
    if not path.exists() or path.read_text(encoding="utf8") != text:
        path.write_text(text, encoding="utf8")


def run(path):
    """A notebook with the outputs of a fresh run in its own folder; raises where a cell fails."""
    notebook = read(path)
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    client = NotebookClient(
        notebook, timeout=CELL_LIMIT, kernel_name="python3", record_timing=False, coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    return client.execute()


def run_all(paths, workers):
    """Run several at once; yield each path with its notebook or the exception that ended it, in order.

    A kernel that does not start, because another process took its port, gets a second chance.
    """

    def attempt(path):
        try:
            return run(path)
        except Exception as error:
            return error

    def start(path):
        result = attempt(path)
        unlucky = isinstance(result, RuntimeError) and NO_START in str(result)
        return attempt(path) if unlucky else result

    with ThreadPoolExecutor(workers) as pool:
        yield from zip(paths, pool.map(start, paths), strict=True)

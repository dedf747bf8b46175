"""Write the address of the project's repository into _config.yml and the first code cell of every notebook.

Usage: python tools/repository.py https://github.com/owner/name, or `none` to take it out again. While there is none,
the website hides its launch buttons and the notebooks say on Colab what to do.
"""

import re
import sys

import yaml
from notebooks import ROOT, notebooks, read, write

ADDRESS = re.compile(r"https://[\w.-]+/[\w.-]+/[\w.-]+")
SETTING = re.compile(r'(^repository:\n  url: )"[^"\n]*"', re.MULTILINE)
LINE = re.compile(r'^if "google\.colab" in sys\.modules: .*$', re.MULTILINE)


def colab_line(url):
    """The line that installs the library on Colab and does nothing elsewhere."""
    if url:
        return f'if "google.colab" in sys.modules: get_ipython().system("pip install -q git+{url}")'
    return 'if "google.colab" in sys.modules: raise ImportError("make repository URL=https://...")'


def configured(root=ROOT):
    """The address that _config.yml holds; empty while there is none."""
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf8"))["repository"]["url"]


def write_address(url, root=ROOT):
    """Write the address into the configuration and all notebooks below `root`; return the number of notebooks."""
    config = root / "_config.yml"
    text, found = SETTING.subn(lambda match: f'{match[1]}"{url}"', config.read_text(encoding="utf8"))
    if not found:
        raise ValueError('_config.yml: expected the lines `repository:` and `  url: "..."`')
    config.write_text(text, encoding="utf8")
    paths = notebooks(root)
    for path in paths:
        notebook = read(path)
        cell = next(cell for cell in notebook.cells if cell.cell_type == "code")
        cell.source, found = LINE.subn(lambda match: colab_line(url), cell.source)
        if not found:
            raise ValueError(f"{path}: the first code cell has no Colab line")
        write(path, notebook)
    return len(paths)


if __name__ == "__main__":
    address = sys.argv[1].rstrip("/").removesuffix(".git") if len(sys.argv) == 2 else ""
    if address != "none" and not ADDRESS.fullmatch(address):
        sys.exit("usage: make repository URL=https://github.com/owner/name   (URL=none takes it out again)")
    count = write_address("" if address == "none" else address)
    print(f"_config.yml and {count} notebooks: {address}")

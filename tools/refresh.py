"""Run notebooks anew and store their text outputs and execution counts.

Images are not stored (the site draws them itself), nor timings, versions and progress bars, so that a second run
changes nothing. Usage: python tools/refresh.py [NOTEBOOK ...]; without arguments all notebooks of the book.
"""

import argparse
import sys
from pathlib import Path

from notebooks import METADATA, name, notebooks, run_all, write


def is_progress(output):
    """Whether an output is a progress bar: lines that are drawn over each other on stderr."""
    return output.output_type == "stream" and output.name == "stderr" and ("\r" in output.text or "%|" in output.text)


def storable(notebook):
    """The notebook with only those parts of its outputs that are the same in each run."""
    notebook.metadata = METADATA
    for cell in notebook.cells:
        for key in ("execution", "collapsed", "scrolled"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not is_progress(output)]
            for output in cell.outputs:
                output.get("data", {}).pop("image/png", None)
    return notebook


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    failed = 0
    for path, result in run_all([p.resolve() for p in args.notebooks] or notebooks(), args.workers):
        if isinstance(result, Exception):
            failed += 1
            print(f"FAILED {name(path)}\n{result}")
        else:
            write(path, storable(result))
            print(f"refreshed {name(path)}", flush=True)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())

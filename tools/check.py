"""Everything that must pass, in one run with one summary: `make test`.

A step that fails stops only the steps that need it. Reports for machines are left in _build/reports.
"""

import argparse
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from pathlib import Path

from book import summary
from notebooks import CELL_LIMIT, ROOT, name, notebooks, read

REPORTS = ROOT / "_build" / "reports"
BIN = Path(sys.executable).parent
SLOW = 60
STYLE, TESTS, CELLS = "code style", "library and book rules", "notebooks"
OUTPUTS, BACK = "outputs for the site", "back matter"
BUILD, SITE = "site builds without a warning", "site is whole"


def steps(workers):
    """The steps by name, each a command and, where there is one, the step that it needs."""
    pytest = [sys.executable, "-m", "pytest", "-q"]
    nbval = ["--nbval-lax", "--nbval-current-env", f"--nbval-cell-timeout={CELL_LIMIT}", "--dist=loadscope"]
    return {
        STYLE: ([BIN / "ruff", "check", "--output-format=concise", "."], None),
        TESTS: ([*pytest, "tests", f"-n{workers}", f"--junitxml={REPORTS}/tests.xml"], None),
        CELLS: ([*pytest, *nbval, f"-n{workers}", f"--junitxml={REPORTS}/cells.xml", *map(name, notebooks())], None),
        OUTPUTS: ([sys.executable, "tools/warm.py", f"--workers={workers}"], None),
        BACK: ([sys.executable, "tools/backmatter.py"], OUTPUTS),
        BUILD: ([BIN / "jupyter-book", "build", ".", "-q", "-W", "--keep-going", "-n"], BACK),
        SITE: ([sys.executable, "tools/check_site.py"], BUILD),
    }


def run(title, command):
    """Run a step; return whether it passed and its seconds."""
    print(f"\n=== {title}", flush=True)
    start = time.perf_counter()
    passed = subprocess.run([str(part) for part in command], cwd=ROOT, stdin=subprocess.DEVNULL).returncode == 0
    return passed, time.perf_counter() - start


def cases(report):
    """The test cases of a JUnit report as (file or class, passed, seconds)."""
    file = REPORTS / report
    for case in ElementTree.parse(file).iter("testcase") if file.exists() else ():
        passed = case.find("failure") is None and case.find("error") is None
        yield case.get("classname"), passed, float(case.get("time"))


def compared(path):
    """The number of cells of a notebook whose stored output is compared with the new one."""
    cells = (cell for cell in read(path).cells if cell.cell_type == "code" and cell.execution_count is not None)
    return sum("nbval-check-output" in cell.metadata.get("tags", []) for cell in cells)


def notebook_table(cells):
    """Lines of the summary, the slowest notebook first."""
    of = {name(path).removesuffix(".ipynb").replace("/", "."): path for path in notebooks()}
    rows = defaultdict(lambda: [0, 0, 0.0])
    for owner, passed, seconds in cells:
        row = rows[owner.removesuffix(".ipynb").replace("/", ".")]
        row[0], row[1], row[2] = row[0] + 1, row[1] + (not passed), row[2] + seconds
    yield f"{'notebook':<44}{'cells':>6}{'compared':>10}{'failed':>8}{'seconds':>9}"
    for owner, (count, failed, seconds) in sorted(rows.items(), key=lambda item: -item[1][2]):
        mark = f"  <- over {SLOW} s" if seconds > SLOW else ""
        yield f"{name(of[owner]):<44}{count:>6}{compared(of[owner]):>10}{failed:>8}{seconds:>9.1f}{mark}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    shutil.rmtree(REPORTS, ignore_errors=True)
    for old in ("html", ".doctrees"):
        shutil.rmtree(ROOT / "_build" / old, ignore_errors=True)
    results = {}
    for title, (command, needed) in steps(parser.parse_args().workers).items():
        possible = needed is None or results[needed][0]
        if title != CELLS or notebooks():
            results[title] = run(title, command) if possible else (False, 0.0)
    tests, cells = list(cases("tests.xml")), list(cases("cells.xml"))
    print("\n=== summary\n", *notebook_table(cells), "", sep="\n")
    for title, (passed, seconds) in results.items():
        print(f"{title:<44}{'passed' if passed else 'FAILED' if seconds else 'not run':>8}{seconds:>8.0f} s")
    print(f"\n{len(tests)} tests, {len(notebooks())} notebooks, {len(cells)} cells run, "
          f"{sum(map(compared, notebooks()))} cells compared, {sum(s for _, s in results.values()):.0f} s")  # fmt: skip
    print("", *summary(), "", sep="\n")
    outcomes = [passed for _, passed, _ in tests + cells] + [passed for passed, _ in results.values()]
    print(f"{sum(outcomes)} passed, {len(outcomes) - sum(outcomes)} failed")
    return not all(outcomes)


if __name__ == "__main__":
    sys.exit(main())

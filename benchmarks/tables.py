"""Tables of results as Markdown, printed and kept in benchmarks/results, where the book's page reads them."""

from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def write(name, head, rows):
    """Print a table and write it to results/`name`.md."""
    lines = [head, ["---"] * len(head), *rows]
    text = "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines) + "\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text)
    print(text)

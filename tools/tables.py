"""Markdown tables for the generated pages: columns, lines in a column, groups and their order."""

import re
from collections import defaultdict

FILTER = "```{raw} html\n<div class=\"table-filter\"></div>\n```\n"


def table(head, rows):
    """A Markdown table; bars inside formulas and text are written so that they do not end a column."""
    every = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(column, row)) + " |" for row in every) + "\n"


def column(text):
    """Text for one column of a table."""
    parts = re.split(r"(\$[^$]*\$)", " ".join(str(text).split()))
    bars = [(r"\\\|", r"\\Vert "), (r"\|", r"\\vert ")]
    for i, part in enumerate(parts):
        for bar, word in bars if i % 2 else [(r"\|", r"\\|")]:
            part = re.sub(bar, word, part)
        parts[i] = part
    return "".join(parts)


def lines(*parts):
    """Lines of one column; empty ones are left out."""
    return "<br>".join(part for part in parts if part)


def code(names):
    """Names as code, with commas between."""
    return ", ".join(f"`{word}`" for word in names)


def grouped(rows, key):
    """Pairs of a key and its rows, in the order in which the keys come first."""
    groups = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return groups.items()


def natural(where):
    """A key that sorts 1.10 behind 1.9."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", str(where))]

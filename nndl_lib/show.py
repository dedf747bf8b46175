"""`show(f)`: the tested source of a function, displayed under its equation."""

import ast
import inspect
import textwrap
from functools import partial


class Source(str):
    """Python source that a notebook renders as a code block."""

    def __repr__(self):
        return str(self)

    def _repr_markdown_(self):
        return f"```python\n{self}\n```"


def show(*functions):
    """The source of each function without its docstring, as one code block; a `partial` shows its call.

    Raises: TypeError for something whose source Python does not know.
    """
    return Source("\n\n".join(_source(f) for f in functions))


def _source(f):
    if isinstance(f, partial):
        constants = "".join(f", {key}={value!r}" for key, value in f.keywords.items())
        return f"{f.__name__} = partial({f.func.__name__}{constants})"
    try:
        source = textwrap.dedent(inspect.getsource(f))
    except (TypeError, OSError) as error:
        raise TypeError(f"show: expected a function written in Python, got {f!r}") from error
    node = ast.parse(source).body[0]
    lines = source.rstrip().split("\n")
    if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
        docstring = node.body[0]
        del lines[docstring.lineno - 1 : docstring.end_lineno]
    return "\n".join(lines)

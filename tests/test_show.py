"""`show`: the source of a function under its equation."""

from functools import partial

import pytest

from nndl_lib.optimizers import adamw, momentum, nesterov
from nndl_lib.show import show


def double(x):
    return 2 * x


def commented(x):
    """A docstring
    of two lines.
    """
    return x + 1  # (1.3)


def test_a_function_is_shown_without_its_docstring_and_with_its_equation_numbers():
    assert show(momentum) == (
        "def momentum(g, v=0, *, lr=0.01, rho=0.9):\n    v = rho * v - lr * g  # (1.15)\n    return v, v"
    )
    assert show(commented) == "def commented(x):\n    return x + 1  # (1.3)"


def test_a_function_without_a_docstring_is_shown_whole():
    assert show(double) == "def double(x):\n    return 2 * x"


def test_several_functions_are_one_block_with_an_empty_line_between():
    assert show(double, commented) == f"{show(double)}\n\n{show(commented)}"
    assert "(1.16)" in show(nesterov, nesterov.lookahead)


def test_a_nested_function_is_shown_from_its_own_margin():
    def inner(x):
        return x

    assert show(inner) == "def inner(x):\n    return x"


def test_a_partial_shows_its_call():
    halved = partial(momentum, lr=0.5)
    halved.__name__ = "halved"
    assert show(halved) == "halved = partial(momentum, lr=0.5)"
    assert show(adamw) == "adamw = partial(adam)"


def test_what_is_shown_can_be_run():
    space = {}
    exec(show(momentum), space)
    assert space["momentum"](1.0, 2.0, lr=0.1, rho=0.5) == momentum(1.0, 2.0, lr=0.1, rho=0.5)


def test_notebooks_render_the_source_as_a_code_block():
    assert show(double)._repr_markdown_() == f"```python\n{show(double)}\n```"
    assert repr(show(double)) == str(show(double))


@pytest.mark.parametrize("thing", [len, 3, "text", None])
def test_a_thing_without_python_source_raises(thing):
    with pytest.raises(TypeError, match="expected a function written in Python"):
        show(thing)

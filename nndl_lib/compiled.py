"""Arithmetic on arrays and numbers, recorded once and then run as one compiled loop over the elements.

`record` calls a function on stand-ins that know only `+ - * / **`, which is all that an update rule uses. Operations
on arrays become the lines of a loop, which Numba compiles once per process; those on numbers alone (the count `t`,
powers of the constants) become a Python function, evaluated in float64 before the loop runs. A rule is written once.
"""

import importlib
import os
from functools import lru_cache
from math import inf, nan
from typing import NamedTuple

import numpy as np

PARALLEL_FROM = 100_000  # elements: below, waking other threads costs more than it saves
_FASTMATH = {"contract", "nsz"}  # fused multiply-add; a NaN and an infinity pass as on plain arrays
_forked = []
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: _forked.append(True))


class Traced:
    """A stand-in for an array or for a number: an operation on it is written on its tape."""

    __slots__ = ("tape", "name", "array")
    __array_ufunc__ = None  # NumPy's numbers leave the operation to this class
    __hash__ = None

    def __init__(self, tape, name, array):
        self.tape, self.name, self.array = tape, name, array

    def __bool__(self):
        raise TypeError("a branch on a value cannot be recorded")

    def __eq__(self, other):
        raise TypeError("a comparison cannot be recorded")

    def __pow__(self, other):
        if self.array and not isinstance(other, Traced) and other in (0.5, 2):
            return self.tape.write(f"sqrt({self.name})", True) if other == 0.5 else self * self
        return self._power(other)

    def __neg__(self):
        return self.tape.write(f"-{self.name}", self.array)


def _operation(symbol):
    """The methods for `self symbol other` and for `other symbol self`."""

    def forward(self, other):
        return self.tape.binary(self, symbol, other)

    def reflected(self, other):
        return self.tape.binary(other, symbol, self)

    return forward, reflected


Traced.__add__, Traced.__radd__ = _operation("+")
Traced.__sub__, Traced.__rsub__ = _operation("-")
Traced.__mul__, Traced.__rmul__ = _operation("*")
Traced.__truediv__, Traced.__rtruediv__ = _operation("/")
Traced._power, Traced.__rpow__ = _operation("**")


class Tape:
    """Lines on arrays and lines on numbers; `coefficients` are the numbers c0, c1, ... in the lines on arrays."""

    def __init__(self):
        self.array_lines, self.number_lines, self.coefficients = [], [], []

    def write(self, expression, array):
        lines, letter = (self.array_lines, "v") if array else (self.number_lines, "n")
        name = f"{letter}{len(lines)}"
        lines.append(f"{name} = {expression}")
        return Traced(self, name, array)

    def binary(self, left, symbol, right):
        array = any(isinstance(value, Traced) and value.array for value in (left, right))
        if array and symbol == "/" and not (isinstance(right, Traced) and right.array):
            symbol, right = "*", self.write(f"1 / {self.number(right)}", False)  # once, not at each element
        operand = self.element if array else self.number
        return self.write(f"{operand(left)} {symbol} {operand(right)}", array)

    def element(self, value):
        """The name of an array's element or of a number in a line on arrays."""
        if isinstance(value, Traced) and value.array:
            return value.name
        self.coefficients.append(self.number(value))
        return f"c{len(self.coefficients) - 1}"

    def number(self, value):
        """The name of a number in a line on numbers."""
        if isinstance(value, Traced) and not value.array:
            return value.name
        if not isinstance(value, (float, int, np.number)):
            raise TypeError(f"expected a number, got {value!r}")
        return f"({value.item() if isinstance(value, np.number) else value!r})"


class Recorded(NamedTuple):
    """What a function did: a Python function of the numbers, and the lines of a loop over the elements."""

    number_source: str
    array_lines: tuple
    results: tuple
    n_arrays: int

    def numbers(self, *values):
        """The coefficients of the loop, and the results on numbers."""
        return _function(self.number_source)(*values)

    def run(self, coefficients, chunks, addresses, arrays):
        """Do it again on each chunk of the `arrays`, all `(n,)` and of one dtype; the results replace the arrays.

        `chunks` (2, k) holds the start and the stop of neighbouring chunks, `addresses` (k,) where in memory the last
        array of the function has its elements of each: the gradients of many parameters are read where they lie.
        """
        parallel = len(addresses) > 0 and bool(chunks[1, -1] - chunks[0, 0] >= PARALLEL_FROM) and _share_threads()
        kernel = _loop(self.array_lines, self.results, len(coefficients), self.n_arrays, parallel)
        kernel(np.array(coefficients, arrays[0].dtype), chunks, addresses, *arrays)


def record(function, n_arrays, n_numbers):
    """Record `results on arrays, results on numbers = function(arrays, numbers)`.

    What the function reads besides its arguments is fixed by this.
    Raises: TypeError, or whatever `function` raises, where it needs more than `+ - * / **` or differs the second time.
    """
    first, second = (_record(function, n_arrays, n_numbers) for _ in range(2))
    if first != second:
        raise TypeError("a function that does not always do the same cannot be recorded")
    return first


def _record(function, n_arrays, n_numbers):
    tape = Tape()
    arrays = [tape.write(f"x{k}[i]", True) for k in range(n_arrays)]
    array_results, number_results = function(arrays, [Traced(tape, f"s{k}", False) for k in range(n_numbers)])
    results = tuple([tape.element(value) for value in array_results])
    number_results = [tape.number(value) for value in number_results]
    source = [
        f"def function({', '.join(f's{k}' for k in range(n_numbers))}):",
        *tape.number_lines,
        f"return [{', '.join(tape.coefficients)}], [{', '.join(number_results)}]",
    ]
    return Recorded("\n    ".join(source), tuple(tape.array_lines), results, n_arrays)


@lru_cache(maxsize=1024)
def _function(source, **names):
    namespace = {"inf": inf, "nan": nan, **names}
    exec(source, namespace)
    return namespace["function"]


@lru_cache(maxsize=1024)
def _loop(lines, results, n_coefficients, n_arrays, parallel):
    arrays = range(n_arrays - 1)
    source = [
        f"def function(c, chunks, addresses, {', '.join(f'a{k}' for k in arrays)}):",
        *(f"    c{k} = c[{k}]" for k in range(n_coefficients)),
        "    for j in prange(len(addresses)):",
        "        start, stop = chunks[0, j], chunks[1, j]",
        *(f"        x{k} = a{k}[start:stop]" for k in arrays),
        f"        x{n_arrays - 1} = carray(pointer(addresses[j], a0), stop - start)",
        "        for i in range(stop - start):",
        *(f"            {line}" for line in lines),
        *(f"            x{k}[i] = {name}" for k, name in enumerate(results)),
    ]
    names = dict(prange=numba().prange, carray=numba().carray, pointer=_pointer(), sqrt=np.sqrt)
    jit = numba().njit(fastmath=_FASTMATH, error_model="numpy", nogil=True, parallel=parallel)
    return jit(_function("\n".join(source), **names))


@lru_cache
def _pointer():
    """For compiled code: the pointer at an address, to elements of the dtype of an array."""
    from numba import types

    def pointer(typing, address, array):
        def generate(context, builder, signature, arguments):
            return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

        return types.CPointer(array.dtype)(address, array), generate

    return numba().extending.intrinsic(pointer)


@lru_cache
def numba():
    """The module numba, or None where it is missing or does not fit the installed NumPy."""
    try:
        importlib.import_module("numba.extending")
        return importlib.import_module("numba")
    except ImportError:
        return None


def _share_threads():
    """Give Numba as many threads as torch uses; False where the loop should keep to one.

    Numba's OpenMP threads work well beside torch's. Its fallback, a work queue, does not, and allows one launch at
    a time. OpenMP threads do not survive a fork.
    """
    import torch

    threads = min(torch.get_num_threads(), numba().config.NUMBA_NUM_THREADS)
    if threads == 1 or _forked or not _has_openmp():
        return False
    numba().set_num_threads(threads)
    return True


@lru_cache
def _has_openmp():
    try:
        importlib.import_module("numba.np.ufunc.omppool")
    except ImportError:
        return False
    return True

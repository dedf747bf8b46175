"""The library of the book: every method is one function, written as its equation is written in the text."""

__version__ = "0.1.0"

"""The exercises of the chapters on foundations."""

from .kinds import functions, parts, values

EXERCISES = {}

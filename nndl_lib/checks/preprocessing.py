"""The exercises of the chapters on preprocessing."""

EXERCISES = {}

"""The exercises of the chapters on foundations."""

EXERCISES = {}

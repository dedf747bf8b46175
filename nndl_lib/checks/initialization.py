"""The exercises of the chapters on initialization."""

EXERCISES = {}

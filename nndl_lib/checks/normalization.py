"""The exercises of the chapters on normalization."""

EXERCISES = {}

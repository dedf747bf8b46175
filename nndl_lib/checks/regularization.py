"""The exercises of the chapters on regularization."""

EXERCISES = {}

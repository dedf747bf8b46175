"""The exercises of the chapters on difficulties."""

EXERCISES = {}

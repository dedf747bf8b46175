"""The exercises of the chapters on searching hyper-parameters."""

EXERCISES = {}

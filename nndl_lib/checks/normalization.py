"""The exercises of the chapters on normalization."""

from .kinds import values

EXERCISES = {
    "batch-norm-1": values(
        (4, -4, 0, 0, -4, 4),
        A=(8, 0, 0, 0, -4, 4),
        B=(6, -2, -2, -2, -4, 4),
        C=(2, -2, 0, 0, -4, 4),
        D=(8, 0, -4, -4, -4, 4),
        E=(-8, -16, 0, 0, -4, 4),
        F=(4, -4, 0, 0, 4, -4),
        G=(4, -4, 0, 0, 4, 4),
        H=(4, -4, 0, 0, 12, 4),
    ),
}
